import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { MaxMessageSize, ZmqModule, type ZmqServerOptions } from 'nestjs-zeromq';
import { describe, expect, it } from 'vitest';
import { Dealer } from 'zeromq';
import { refuseUnhandledRejections } from '../../support/echo-app.js';
import { ask } from '../../support/rejection.js';
import { connectClient, onCleanup, startApp, until } from '../../support/zmq-app.js';

refuseUnhandledRejections();

const ANSWER = 'x'.repeat(50_000);

/** Decisions of the server that wait for the test. */
let decisions: (() => void)[] = [];

@Controller()
class DecidedController {
  @MessagePattern('answer')
  answer(): string {
    return ANSWER;
  }

  @MessagePattern('small')
  @MaxMessageSize(10, { onViolation: () => new Promise<void>(resolve => decisions.push(resolve)) })
  small(): number {
    return 1;
  }
}

describe.each<NonNullable<ZmqServerOptions['engine']>>(['gate', 'zeromq'])(
  'a sender that leaves before it has been decided about its payload, engine %s',
  engine => {
    it('leaves nothing behind of what else its message has been answered with', async () => {
      decisions = [];
      const { endpoint, server } = await startApp([DecidedController], {
        imports: [ZmqModule.forRoot()],
        server: { engine },
      });
      const socket = new Dealer({ linger: 1_000 });
      onCleanup(() => socket.close());
      socket.connect(endpoint);
      // As a REQ socket would: all answers leave in one message, when the last of them is there.
      const requests = [
        { id: '1', pattern: 'answer' },
        { id: '2', pattern: 'small', data: 'x'.repeat(40) },
      ];
      await socket.send(['', JSON.stringify(requests)]);
      await until(() => decisions.length === 1 && server.getStats().heldBytes > ANSWER.length);
      socket.close();
      const gone = engine === 'gate' ? () => server.getStats().peers === 0 : () => true;
      await until(gone);
      decisions.forEach(decide => decide());
      const client = await connectClient(endpoint);
      expect(await ask(client, 'answer')).toBe(ANSWER);
      await client.close();
      await until(() => server.getStats().heldBytes === 0, 10_000);
    });
  },
);
