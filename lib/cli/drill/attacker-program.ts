import { setPriority } from 'node:os';
import { AttackField } from './attack-field.js';
import type { AttackOutcome } from './attack.js';
import type { AttackOrder, FromAttacker, ToAttacker } from './attacker-protocol.js';
import { CATALOGUE } from './catalogue.js';
import { HARD_CAPS } from './hard-caps.js';
import { attackSources } from './sources.js';
import { stopSwitch } from './stop-switch.js';

// The program of the attacking process. A process of its own, so that the honest client's figures do not suffer from
// the attacker's event loop, at a lower priority, because real attackers bring their own processors.
const LOWER_PRIORITY = 10;
const GRACE_MS = 3_000;

const stop = stopSwitch();

function tell(message: FromAttacker): Promise<void> {
  return new Promise(resolve => {
    process.send?.(message, undefined, undefined, () => resolve());
  });
}

async function attack(order: AttackOrder): Promise<readonly AttackOutcome[]> {
  const { host, port, tls, socketType, patterns } = order;
  const milliseconds = Math.min(order.milliseconds, HARD_CAPS.seconds * 1_000);
  const caps = {
    openConnections: Math.min(order.caps.openConnections, HARD_CAPS.openConnections),
    totalConnections: Math.min(order.caps.totalConnections, HARD_CAPS.totalConnections),
    bytes: Math.min(order.caps.bytes, HARD_CAPS.bytes),
  };
  // Whatever hangs, this process does not outlive its attack.
  setTimeout(() => process.exit(1), milliseconds + GRACE_MS).unref();
  setTimeout(() => stop.abort(), milliseconds);
  const { signal } = stop;
  const sources = attackSources(host);
  const attacks = CATALOGUE.filter(({ id }) => order.attacks.includes(id));
  const fields = attacks.map(() => new AttackField({ host, port, tls, socketType, patterns, sources, caps, signal }));
  const over = new Promise<void>(resolve => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  // Attacks may hang in a connection that never comes about; their time is up all the same.
  await Promise.race([over, Promise.all(attacks.map((one, index) => one.run(fields[index] as AttackField)))]);
  return fields.map(field => field.leave());
}

process.on('message', (message: ToAttacker) => {
  if (message.kind === 'stop') {
    stop.abort();
    return;
  }
  void attack(message.order)
    .then(outcomes => tell({ kind: 'done', outcomes }))
    .finally(() => process.exit(0));
});
process.on('disconnect', () => process.exit(0));
// The user's Ctrl-C reaches this process as well; who started it sends the word.
process.on('SIGINT', () => undefined);
setPriority(LOWER_PRIORITY);
void tell({ kind: 'ready' });
