import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { ZmqServerOptions } from 'nestjs-zeromq';
import type { Target, TargetTls } from '../../../lib/cli/drill/target.js';
import type { CertificateFiles, DevCertificates } from '../../../lib/cli/keygen/dev-certificates.js';
import { readMemory } from '../../../lib/cli/drill/memory-probe.js';
import type { ZmqViolation } from '../../../lib/limits/violation.js';
import { onCleanup, until } from '../zmq-app.js';

type FromProgram =
  | { readonly kind: 'listening'; readonly endpoint: string; readonly publisher?: string }
  | { readonly kind: 'violation'; readonly violation: ZmqViolation };

/** More than any healthy log has, and little enough to hold. */
const MAX_LOG_CHARACTERS = 1_000_000;

/** A service in a process of its own that a test attacks; killed after the test. */
export class AttackedProcess {
  readonly violations: ZmqViolation[] = [];
  /** Bytes of memory when it had just begun to listen. */
  atStart = 0;
  logLines = 0;
  /** The beginning of what it logged. */
  log = '';
  target!: Target;
  endpoint = '';
  /** A socket that publishes, where the program has one. */
  publisher: Target | undefined;

  private constructor(
    readonly program: string,
    private readonly child: ChildProcess,
    /** Bytes that it may hold for its peers. */
    readonly budget: number,
  ) {
    for (const output of [child.stdout, child.stderr]) {
      output?.setEncoding('utf8').on('data', (text: string) => {
        this.logLines += text.split('\n').length - 1;
        this.log = (this.log + text).slice(0, MAX_LOG_CHARACTERS);
      });
    }
    child.on('message', (message: FromProgram) => {
      if (message.kind === 'violation') {
        this.violations.push(message.violation);
      }
    });
  }

  /** A `ServerZmq` with defaults but for the memory budget; needs the build. */
  static victim(options: ZmqServerOptions = {}): Promise<AttackedProcess> {
    const all = { bind: 'tcp://127.0.0.1:*', memoryBudget: BUDGET, ...options };
    return AttackedProcess.start('victim.mjs', { OPTIONS: JSON.stringify(all) }, Number(all.memoryBudget));
  }

  /** The same behind TLS, for clients that show a certificate of the authority. */
  static async secureVictim(
    { ca, server, clients }: DevCertificates,
    options: ZmqServerOptions = {},
  ): Promise<AttackedProcess> {
    const tls = { certFile: server.cert, keyFile: server.key, caFile: ca };
    const attacked = await AttackedProcess.victim({ bind: 'tls://127.0.0.1:*', tls, anonymous: true, ...options });
    attacked.target = { ...attacked.target, tls: filesOf(ca, Object.values(clients)[0]) };
    return attacked;
  }

  /** The negative control for it: bare zeromq.js behind a server of `node:tls`. */
  static async bareTls({ ca, server, clients }: DevCertificates): Promise<AttackedProcess> {
    const attacked = await AttackedProcess.start('bare-tls.mjs', { CERT: server.cert, KEY: server.key, CA: ca });
    attacked.target = { ...attacked.target, tls: filesOf(ca, Object.values(clients)[0]) };
    return attacked;
  }

  /** The negative control: the same handlers on bare zeromq.js. */
  static bareRouter(env: Readonly<Record<string, string>> = {}): Promise<AttackedProcess> {
    return AttackedProcess.start('bare-router.mjs', env);
  }

  /** The negative control for what happens above the sockets: a service on Nest's own TCP transport. */
  static nestTcp(): Promise<AttackedProcess> {
    return AttackedProcess.start('nest-tcp.mjs', {});
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Sends a signal and resolves when the process has gone, with its exit code or the signal that ended it. */
  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string> {
    const gone = once(this.child, 'exit');
    this.child.kill(signal);
    const [code, by] = (await gone) as [number | null, string | null];
    return code ?? by ?? 'unknown';
  }

  /** Resolves when the process holds no more than so many bytes; fails after `timeout` ms. */
  async untilMemoryBelow(bytes: number, timeout: number): Promise<void> {
    let held = Infinity;
    const timer = setInterval(() => {
      void readMemory(this.pid).then(reading => {
        held = reading?.now ?? Infinity;
      });
    }, 100);
    try {
      await until(() => held <= bytes, timeout);
    } catch (error) {
      throw new Error(`The process still holds ${held} bytes, more than ${bytes}.`, { cause: error });
    } finally {
      clearInterval(timer);
    }
  }

  private static async start(
    program: string,
    env: Readonly<Record<string, string>>,
    budget = BUDGET,
  ): Promise<AttackedProcess> {
    const path = new URL(`../programs/${program}`, import.meta.url).pathname;
    const child = fork(path, { execArgv: [], silent: true, env: { ...process.env, NO_COLOR: '1', ...env } });
    onCleanup(() => child.kill('SIGKILL'));
    const attacked = new AttackedProcess(program, child, budget);
    const [message] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error(`${program} did not start: ${attacked.log}`))),
    ])) as [FromProgram & { kind: 'listening' }];
    attacked.endpoint = message.endpoint;
    attacked.target = targetOf(message.endpoint);
    attacked.atStart = (await readMemory(attacked.pid))?.now ?? 0;
    attacked.publisher = message.publisher === undefined ? undefined : targetOf(message.publisher);
    return attacked;
  }
}

/** What every victim may hold. */
export const BUDGET = 64 * 1024 ** 2;

function filesOf(caFile: string, client: CertificateFiles | undefined): TargetTls {
  return { caFile, ...(client !== undefined && { certFile: client.cert, keyFile: client.key }) };
}

function targetOf(endpoint: string): Target {
  const [, host = '', port] = /^(?:tcp|tls):\/\/(.+):(\d+)$/.exec(endpoint) ?? [];
  return { host, port: Number(port) };
}
