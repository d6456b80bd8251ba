import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Holdings } from '../../../../lib/cli/gate/holdings.js';
import { ReplyPath } from '../../../../lib/cli/gate/reply-path.js';
import { BudgetAccount } from '../../../../lib/limits/peer-account.js';
import type { SendOutcome } from '../../../../lib/socket/server-socket.js';

/** A peer that takes replies when the test says so. */
class FakeGate {
  readonly sent: string[] = [];
  isSlow = false;
  private taken: ((outcome: SendOutcome) => void) | undefined;

  send(_peerId: string, frames: Buffer[]): SendOutcome | Promise<SendOutcome> {
    this.sent.push(String(frames[0]));
    return this.isSlow ? new Promise(resolve => (this.taken = resolve)) : 'sent';
  }

  async take(): Promise<void> {
    this.taken?.('sent');
    await setImmediate();
  }
}

function create() {
  const gate = new FakeGate();
  const holdings = new Holdings(100_000);
  const account = new BudgetAccount(holdings);
  const seen: boolean[] = [];
  const path = new ReplyPath({ peerId: 'p', gate, account, holdings, onChange: () => seen.push(path.mayRead) });
  return { gate, holdings, account, path, seen, send: (text: string) => path.send([Buffer.from(text)]) };
}

describe('the way back to a peer', () => {
  it('hands replies on at once, and the service is read on', () => {
    const { gate, path, send, holdings } = create();
    send('a');
    send('b');
    expect(gate.sent).toEqual(['a', 'b']);
    expect({ mayRead: path.mayRead, used: holdings.used }).toEqual({ mayRead: true, used: 0 });
  });

  it('keeps order and account of what comes while the peer takes nothing, and stops reading', async () => {
    const { gate, path, send, holdings } = create();
    gate.isSlow = true;
    send('a');
    send('b');
    send('c');
    expect(gate.sent).toEqual(['a']);
    expect(path.mayRead).toBe(false);
    expect(holdings.used).toBeGreaterThan(0);
    await gate.take();
    expect(gate.sent).toEqual(['a', 'b']);
    gate.isSlow = false;
    await gate.take();
    expect(gate.sent).toEqual(['a', 'b', 'c']);
    expect({ mayRead: path.mayRead, used: holdings.used }).toEqual({ mayRead: true, used: 0 });
  });

  it('receives a reply to its end once room was made for it, even if replies were to wait', () => {
    const { path, account, seen, send } = create();
    account.charge(90_000);
    expect(path.mayRead).toBe(false);
    // In the same read as the end of the one before.
    path.begun(1_000);
    expect(seen).toEqual([true]);
    send('whole');
    expect(path.mayRead).toBe(false);
  });

  it('lets go of everything when the peer has gone', () => {
    const { gate, path, send, holdings } = create();
    gate.isSlow = true;
    send('a');
    send('b');
    path.begun(5_000);
    path.end();
    path.begun(5_000);
    expect(holdings.used).toBe(0);
  });
});
