import { describe, expect, it } from 'vitest';
import { GateServerSocket } from '../../../lib/gate/gate-server-socket.js';
import { resolveServerOptions, type ZmqServerOptions } from '../../../lib/options/server-options.js';
import { CompositeSocket } from '../../../lib/server/composite-socket.js';
import { createEngines, type EngineHooks } from '../../../lib/server/engines.js';
import { RouterSocket } from '../../../lib/socket/router-socket.js';
import { GateLog } from '../../support/gate.js';
import { onCleanup } from '../../support/zmq-app.js';

const MEBI = 1024 ** 2;
const HOOKS: EngineHooks = { decisionFor: () => undefined, onTlsReloaded: () => undefined };

function engines(options: ZmqServerOptions) {
  const created = createEngines(resolveServerOptions(options), HOOKS);
  onCleanup(() => created.socket.close());
  return created;
}

describe('the engines of a server', () => {
  it('are the gate alone for tcp', () => {
    const { socket, hasZeromq } = engines({ bind: ['tcp://127.0.0.1:*', 'tcp://127.0.0.2:*'] });
    expect(socket).toBeInstanceOf(GateServerSocket);
    expect(hasZeromq).toBe(false);
  });

  it('are libzmq alone where there is no tcp, or where the user wants it so', () => {
    for (const options of [
      { bind: 'ipc:///tmp/never-bound' },
      { bind: 'inproc://never-bound' },
      { bind: 'tcp://127.0.0.1:*', engine: 'zeromq' as const },
    ]) {
      const { socket, hasZeromq, budget } = engines({ ...options, memoryBudget: '64mb' });
      expect([socket instanceof RouterSocket, budget.limit]).toEqual([true, 64 * MEBI]);
      expect(hasZeromq).toBe(true);
    }
  });

  it('are both where there are endpoints for both, listed in the order asked for', async () => {
    const name = `inproc://engines-${process.pid}`;
    const { socket, hasZeromq } = engines({ bind: [name, 'tcp://127.0.0.1:*'] });
    expect(socket).toBeInstanceOf(CompositeSocket);
    await socket.open(new GateLog());
    expect(socket.endpoints).toEqual([name, expect.stringMatching(/^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/)]);
    expect(hasZeromq).toBe(true);
  });

  it.each([{ memoryBudget: '64mb' }, { memoryBudget: '2mb' }] as const)(
    'let the application hold half of the budget of %j',
    options => {
      const { budget } = engines({ bind: 'tcp://127.0.0.1:*', ...options });
      expect(budget.limit).toBe(resolveServerOptions(options).memoryBudget / 2);
    },
  );

  it('keep to the limits of a listener of its own, and have those of the server where there are none', () => {
    const own = { endpoint: 'tcp://127.0.0.1:*', gate: { maxFrames: 3 } };
    const changed = resolveServerOptions({ bind: own, gate: { maxFrames: 9, maxConnections: 7 } });
    const found = [own, own.endpoint].map(bind => {
      const { socket, limit } = engines({ bind });
      const before = (socket as GateServerSocket).limits;
      limit(changed.gate, bind === own ? changed : resolveServerOptions({ bind }));
      const after = (socket as GateServerSocket).limits;
      return [before, after].map(({ maxFrames, maxConnections }) => [maxFrames, maxConnections]);
    });
    expect(found).toEqual([
      [
        [3, 10_000],
        [3, 7],
      ],
      [
        [16, 10_000],
        [9, 7],
      ],
    ]);
  });

  it('are several gates where listeners have limits of their own', () => {
    const own = { gate: { maxFrames: 3 } };
    const bind = ['tcp://127.0.0.1:*', { endpoint: 'tcp://127.0.0.2:*', ...own }, 'tcp://127.0.0.3:*'] as const;
    const { socket, hasZeromq } = engines({ bind });
    expect([socket instanceof CompositeSocket, hasZeromq]).toEqual([true, false]);
  });

  it('ask for the decision on each listener once', () => {
    const asked: string[] = [];
    const decisionFor: EngineHooks['decisionFor'] = ({ name }) => void asked.push(name);
    const bind = [
      { endpoint: 'tcp://127.0.0.1:*', name: 'a' },
      { endpoint: 'inproc://engines-b', name: 'b' },
    ];
    const { socket } = createEngines(resolveServerOptions({ bind }), { ...HOOKS, decisionFor });
    onCleanup(() => socket.close());
    expect(asked).toEqual(['a', 'b']);
  });
});
