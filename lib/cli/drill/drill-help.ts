import { formatBytes } from '../../options/bytes.js';
import { CATALOGUE } from './catalogue.js';
import { HARD_CAPS } from './hard-caps.js';

export function drillHelp(): string {
  const attacks = CATALOGUE.map(({ id, title }) => `  ${id.padEnd(12)}${title}`);
  const { seconds, openConnections, totalConnections, bytes, targetMemory } = HARD_CAPS;
  return `Usage: nestjs-zeromq drill --target tcp://127.0.0.1:5555 [options]

Attacks a ZeroMQ service of your own the way a hostile peer would, beside an honest client, and tells whether the
service held: its memory within budget, honest requests answered as before. The service must echo in JSON mode.

  --target <endpoint>        tcp://host:port or tls://host:port. Every address of the host must belong to this machine.
  --ca <file>                who signs the service's certificate, for tls:// (default: the authorities that Node knows)
  --cert <file>              certificate that attackers and the honest client show, for tls:// (default: none)
  --key <file>               its key
  --attack <ids>             which attacks, such as A2,A3 (default: all)
  --seconds <n>              length of each attack, 1 to ${seconds} (default: 5)
  --pid <n>                  process of the service, to watch its memory
  --budget <bytes>           what the service may hold for its peers, its memoryBudget (default: 64mb)
  --pattern <name>           handler that answers with what it was given (default: echo)
  --slow-pattern <name>      handler that takes milliseconds and answers after them (default: --pattern)
  --burn-pattern <name>      handler that takes milliseconds and computes for so long (default: --pattern)
  --whoami-pattern <name>    handler that answers with the caller's id (default: --pattern)
  --json                     print everything that was measured

An attack counts as held if the memory of the process stays within what it had before + budget + 32 MB, honest goodput
within 0.8 of what it was right before, no honest request is lost or answered wrongly, no honest connection is closed,
and the service still answers afterwards.

The drill may make the service, and the machine, slow or unusable while it runs: do not run it in production, nor
against a forwarded port. It refuses targets on other machines, and whatever the options say, one attack takes at most
${seconds} s, ${openConnections} connections at a time, ${totalConnections} in all, and ${formatBytes(bytes)} of traffic, and is stopped when the service
reaches ${formatBytes(targetMemory)} of memory.

Exit code: 0 all held, 1 some did not or the service cannot be reached, 2 wrong options, 130 stopped by Ctrl-C.

Attacks:
${attacks.join('\n')}
`;
}
