import { Dealer, Router } from 'zeromq';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../lib/options/secret.js';
import { zapHandler } from '../../../lib/socket/zap-handler.js';
import { zeromqContext } from '../../../lib/socket/zeromq-context.js';
import { serverSecurity } from '../../../lib/socket/zeromq-security.js';
import { onCleanup } from '../../support/zmq-app.js';
import { ADMITTED, HONEST, openSecureRouter, originOf, SERVER, SOCKET } from './secure-sockets.js';

/** How the handshake with a listener ends that the handler knows nothing of. */
async function handshakeOfStray(ioThreads: number): Promise<string | undefined> {
  const security = {
    origin: originOf('CURVE'),
    curve: { secretKey: { value: new Secret(SERVER.secretKey) } },
    authenticate: () => ADMITTED,
  };
  const router = new Router({
    context: zeromqContext(ioThreads),
    linger: 0,
    handshakeInterval: 200,
    ...serverSecurity(security, 'nobody decides for this domain'),
  });
  const dealer = new Dealer({
    linger: 0,
    curveServerKey: SERVER.publicKey,
    curvePublicKey: HONEST.publicKey,
    curveSecretKey: HONEST.secretKey,
  });
  onCleanup(() => [router, dealer].forEach(socket => socket.close()));
  await router.bind('tcp://127.0.0.1:*');
  dealer.connect(router.lastEndpoint as string);
  for await (const { type } of dealer.events) {
    if (type.startsWith('handshake')) {
      return type;
    }
  }
  return undefined;
}

describe('ZapHandler', () => {
  it('lets in nobody while it is not there', async () => {
    expect(zapHandler(4).isOpen).toBe(false);
    expect(await handshakeOfStray(4)).toBe('handshake:error:other');
  });

  it('lets in nobody at a domain that it does not know, and counts who asks', async () => {
    await openSecureRouter({ authenticate: () => ADMITTED });
    const zap = zapHandler(SOCKET.ioThreads);
    expect(zap.isOpen).toBe(true);
    expect(await handshakeOfStray(SOCKET.ioThreads)).toBe('handshake:error:auth');
    expect(zap.malformed).toBe(1);
  });
});
