import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { AttackOutcome } from './attack.js';
import type { AttackOrder, FromAttacker, ToAttacker } from './attacker-protocol.js';

const PROGRAM = new URL('./attacker-program.js', import.meta.url);

/** The attacking process, for one attack. */
export class Attacker {
  private constructor(private readonly child: ChildProcess) {
    // A message to a process that has just gone; its end is told otherwise.
    child.on('error', () => undefined);
  }

  /** Resolves when it is ready, so that its start takes no time from the attack. */
  static async start(program: URL = PROGRAM): Promise<Attacker> {
    const child = fork(program, { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const attacker = new Attacker(child);
    await attacker.next('ready');
    return attacker;
  }

  /** Resolves with what each attack has seen, when the time is up, or soon after `signal`. */
  async attack(order: AttackOrder, signal: AbortSignal): Promise<readonly AttackOutcome[]> {
    const done = this.next('done');
    const stop = (): void => this.say({ kind: 'stop' });
    this.say({ kind: 'attack', order });
    signal.addEventListener('abort', stop);
    if (signal.aborted) {
      stop();
    }
    try {
      return (await done).outcomes;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Ends the process, if it still runs. */
  async end(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await gone;
    }
  }

  private say(message: ToAttacker): void {
    if (this.child.connected) {
      this.child.send(message);
    }
  }

  private next<K extends FromAttacker['kind']>(kind: K): Promise<Extract<FromAttacker, { kind: K }>> {
    return new Promise((resolve, reject) => {
      const onMessage = (message: FromAttacker): void => {
        if (message.kind === kind) {
          this.child.off('exit', onExit);
          resolve(message as Extract<FromAttacker, { kind: K }>);
        }
      };
      const onExit = (): void => reject(new Error('The attacking process ended early.'));
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        onExit();
      }
      this.child.once('exit', onExit);
      this.child.on('message', onMessage);
    });
  }
}
