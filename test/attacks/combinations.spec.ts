import { setTimeout as sleep } from 'node:timers/promises';
import { ClientZmq } from 'nestjs-zeromq';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Attacker } from '../../lib/cli/drill/attacker.js';
import { CATALOGUE } from '../../lib/cli/drill/catalogue.js';
import { HARD_CAPS } from '../../lib/cli/drill/hard-caps.js';
import { LARGE_LOAD } from '../../lib/cli/drill/measurement.js';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { untilMemoryIsBack } from '../support/attacks/expectations.js';
import { ALLOWED_BYTES, PATTERNS, PROGRAM, runAttack } from '../support/attacks/run-attack.js';
import { onCleanup } from '../support/zmq-app.js';

const ALL = CATALOGUE.filter(({ id, isForTls = false }) => id !== 'partials' && !isForTls).map(({ id }) => id);
const REQUESTS = 32;
const HANDLER_MS = 300;

describe('parts of large messages from many addresses, beside honest large messages', () => {
  it('are held', async () => {
    const victim = await AttackedProcess.victim();
    const report = await runAttack(victim, 'partials', { load: LARGE_LOAD, milliseconds: 4_000 });
    expect(report.verdict.reasons).toEqual([]);
    await untilMemoryIsBack(victim, report);
  });

  it('fill the memory of bare zeromq.js', async () => {
    const bare = await AttackedProcess.bareRouter();
    const report = await runAttack(bare, 'partials', { load: LARGE_LOAD, milliseconds: 4_000 });
    expect(report.over).toBeGreaterThan(ALLOWED_BYTES);
  });
});

describe('every attack at once', () => {
  it('is held', async () => {
    const victim = await AttackedProcess.victim();
    const report = await runAttack(victim, ALL, { milliseconds: 4_000 });
    expect(report.verdict.reasons).toEqual([]);
    await untilMemoryIsBack(victim, report);
  });

  it('harms bare zeromq.js', async () => {
    const report = await runAttack(await AttackedProcess.bareRouter(), ALL, { milliseconds: 4_000 });
    expect(report.over).toBeGreaterThan(ALLOWED_BYTES);
  });
});

describe('an attack during a drain', () => {
  it('holds up neither the replies of honest clients nor the end', async () => {
    const victim = await AttackedProcess.victim({ drainTimeout: 5_000 });
    const client = new ClientZmq({ connect: victim.endpoint });
    onCleanup(() => client.close());
    await client.connect();
    const attacker = await Attacker.start(PROGRAM);
    onCleanup(() => attacker.end());
    const order = { ...victim.target, socketType: 'DEALER', patterns: PATTERNS, caps: HARD_CAPS };
    const over = new AbortController();
    const attack = attacker.attack({ ...order, attacks: ['A2', 'A3', 'A8'], milliseconds: 10_000 }, over.signal);
    // Long enough for the attack to be in full swing.
    await sleep(1_000);

    const replies = Array.from({ length: REQUESTS }, () => firstValueFrom(client.send<number>('slow', HANDLER_MS)));
    // The server has taken up what was sent before it answers this one.
    await firstValueFrom(client.send<number>('echo', 1));
    const start = performance.now();
    expect(await victim.stop('SIGTERM')).toBe('SIGTERM');
    expect(performance.now() - start).toBeLessThan(8_000);
    expect(await Promise.all(replies)).toEqual(Array.from({ length: REQUESTS }, () => HANDLER_MS));
    over.abort();
    await attack;
  });
});
