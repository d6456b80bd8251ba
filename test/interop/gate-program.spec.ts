import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { FrameFlag } from '../../lib/zmtp/frame-header.js';
import { BUILD_TIMEOUT_MS, ensureBuild } from '../support/build.js';
import { python, whyNoPyzmq } from '../support/python.js';
import { longHeader, RawZmtp } from '../support/raw-zmtp.js';
import { onCleanup, until } from '../support/zmq-app.js';
import { anyIpc, GateProcess } from '../unit/cli/gate/gate-process.js';

const missing = whyNoPyzmq();
const inCi = process.env['CI'] === 'true';
if (missing !== undefined && !inCi) {
  console.warn(`The services in Python are left out: ${missing}`);
}

interface Line {
  readonly bound?: string;
  readonly sender?: string | null;
  readonly frames?: readonly string[];
}

/** A service on pyzmq in a process of its own. */
class PythonService {
  readonly lines: Line[] = [];
  private rest = '';

  static async start(kind: string, endpoint: string): Promise<PythonService> {
    const service = new PythonService();
    const script = fileURLToPath(new URL('gate-service.py', import.meta.url));
    const child = spawn('/usr/bin/python3', [script, kind, endpoint], { stdio: ['pipe', 'pipe', 'inherit'] });
    onCleanup(() => child.kill('SIGKILL'));
    child.stdout.setEncoding('utf8').on('data', (text: string) => service.read(text));
    await until(() => service.lines.some(({ bound }) => bound === endpoint), 10_000);
    return service;
  }

  get messages(): Line[] {
    return this.lines.filter(({ frames }) => frames !== undefined);
  }

  private read(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    this.lines.push(...lines.map(line => JSON.parse(line) as Line));
  }
}

describe.runIf(missing === undefined || inCi)('nestjs-zeromq gate in front of a Python service', () => {
  beforeAll(ensureBuild, BUILD_TIMEOUT_MS);

  it.each(['ipc', 'tcp'])('carries DEALERs to a ROUTER over %s and back, under ids of the service', async transport => {
    const endpoint = transport === 'ipc' ? anyIpc() : 'tcp://127.0.0.1:28461';
    const service = await PythonService.start('router', endpoint);
    const gate = await GateProcess.start(endpoint);
    const calls = await Promise.all([1, 2].map(() => python('gate-peer.py', 'dealer', gate.endpoint)));
    const answers = ['0', '1', '2'].map(number => ['answer', 'request', number, '']);
    expect(calls).toEqual([answers, answers]);
    const senders = new Set(service.messages.map(({ sender }) => sender));
    expect(senders.size).toBe(2);
    expect(senders).not.toContain(Buffer.from('admin').toString('hex'));
  });

  it('carries REQs to a REP and back', async () => {
    const endpoint = anyIpc();
    await PythonService.start('rep', endpoint);
    const gate = await GateProcess.start(endpoint, '--type', 'rep');
    const calls = await Promise.all([1, 2].map(() => python('gate-peer.py', 'req', gate.endpoint)));
    const answers = ['0', '1', '2'].map(number => ['answer', number]);
    expect(calls).toEqual([answers, answers]);
  });

  it('carries a PUSH to a PULL, in order', async () => {
    const endpoint = anyIpc();
    const service = await PythonService.start('pull', endpoint);
    const gate = await GateProcess.start(endpoint, '--type', 'pull');
    await python('gate-peer.py', 'push', gate.endpoint);
    await until(() => service.messages.length === 100);
    expect(service.messages.map(({ frames }) => Number(frames?.[0]))).toEqual(Array.from({ length: 100 }, (_, n) => n));
  });

  it('carries a PUB to a SUB, which gets what it has subscribed to', async () => {
    const endpoint = anyIpc();
    const service = await PythonService.start('sub', endpoint);
    const gate = await GateProcess.start(endpoint, '--type', 'sub');
    await gate.until('service', ({ state }) => state === 'up');
    await python('gate-peer.py', 'pub', gate.endpoint);
    await until(() => service.messages.length > 10);
    expect(new Set(service.messages.map(({ frames }) => frames?.join(' ')))).toEqual(new Set(['weather sunny']));
  });

  it('keeps endless messages away from a ROUTER, and others are served as ever', async () => {
    const endpoint = anyIpc();
    const service = await PythonService.start('router', endpoint);
    const gate = await GateProcess.start(endpoint);
    const hostile = await RawZmtp.open(gate.endpoint);
    const frame = Buffer.concat([longHeader(FrameFlag.More, 1_000n), Buffer.alloc(1_000)]);
    hostile.write(...Array.from({ length: 100 }, () => frame));
    await hostile.untilEnded();
    expect(await gate.until('violation')).toMatchObject({ id: 'A2', kind: 'too-many-frames' });
    await python('gate-peer.py', 'dealer', gate.endpoint);
    expect(service.messages).toHaveLength(3);
  });
});
