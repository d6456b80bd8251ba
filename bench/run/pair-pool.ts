import { errorText } from '../error-text.js';
import { Pair } from '../processes/pair.js';
import type { Scenario } from '../scenarios.js';
import type { PeerEntry } from './peer-list.js';

/** The running pairs, at most one of each peer. */
export class PairPool {
  private readonly pairs = new Map<string, Pair>();
  private kind: Scenario['kind'] | undefined;

  /** Starts the pairs that are missing, all at once. @returns why some did not start, by peer. */
  async start(peers: readonly PeerEntry[], kind: Scenario['kind']): Promise<Map<string, string>> {
    if (kind !== this.kind) await this.stopAll();
    this.kind = kind;
    const failures = new Map<string, string>();
    const startOne = async ({ name }: PeerEntry): Promise<void> => {
      try {
        this.pairs.set(name, await Pair.start(name, kind));
      } catch (error) {
        failures.set(name, `did not start: ${errorText(error)}`);
      }
    };
    await Promise.all(peers.filter(({ name }) => !this.pairs.has(name)).map(startOne));
    return failures;
  }

  get(peer: string): Pair | undefined {
    return this.pairs.get(peer);
  }

  async stop(peer: string): Promise<void> {
    const pair = this.pairs.get(peer);
    this.pairs.delete(peer);
    await pair?.stop();
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.pairs.keys()].map(peer => this.stop(peer)));
  }
}
