import { ClientZmq, type ZmqClientOptions } from 'nestjs-zeromq';
import { lastValueFrom } from 'rxjs';
import { Dealer } from 'zeromq';
import { GateClientSocket } from '../../lib/gate/gate-client-socket.js';
import { resolveClientOptions } from '../../lib/options/client-options.js';
import { publicKeyOf } from '../../lib/security/curve-keys.js';
import type { Mode } from './callers.js';
import { onCleanup, until } from './zmq-app.js';

/** `in`, or the code of what kept the caller out. */
export type Entrance = 'in' | 'UNAUTHENTICATED' | 'DISCONNECTED' | (string & {});

/** Somebody who shows who he is, or somebody else, and then calls handlers. */
export interface SecuredCaller {
  /** Whether he is let in. */
  enter(): Promise<Entrance>;
  /** The answer, or the error. */
  request(pattern: string, data: unknown): Promise<unknown>;
  event(pattern: string, data: unknown): Promise<void>;
}

/** What a caller shows. */
export interface Shown extends Pick<ZmqClientOptions, 'tls' | 'curve' | 'plain' | 'connectTimeout'> {
  /** A public CURVE key that does not belong to the secret one: `ClientZmq` has no such option. */
  readonly publicKey?: string;
}

/** A caller by `ClientZmq`, or one without this library's protocol: JSON in ZeroMQ messages. */
export function createSecuredCaller(mode: Mode, endpoint: string, shown: Shown): SecuredCaller {
  return mode === 'binary' ? new ClientCaller(endpoint, shown) : new JsonCaller(wireTo(endpoint, shown));
}

/** Passwords take their time, and more so on a machine that has much to do. */
const PATIENT = { connectTimeout: 10_000, timeout: 10_000, socket: { handshakeInterval: 10_000 } };

class ClientCaller implements SecuredCaller {
  private readonly client: ClientZmq;

  constructor(endpoint: string, { publicKey: _publicKey, ...options }: Shown) {
    this.client = new ClientZmq({ ...PATIENT, connect: endpoint, ...options });
    onCleanup(() => this.client.close());
  }

  async enter(): Promise<Entrance> {
    try {
      await this.client.connect();
      return 'in';
    } catch (error) {
      return (error as { code: string }).code;
    }
  }

  request(pattern: string, data: unknown): Promise<unknown> {
    return lastValueFrom(this.client.send<unknown>(pattern, data)).catch((error: unknown) => error);
  }

  async event(pattern: string, data: unknown): Promise<void> {
    await lastValueFrom(this.client.emit(pattern, data), { defaultValue: undefined });
  }
}

/** Carries texts to a server and back. */
interface Wire {
  /** @param heard is called with each text that comes back */
  open(heard: (text: string) => void): Promise<Entrance>;
  send(text: string): Promise<unknown>;
}

class JsonCaller implements SecuredCaller {
  private readonly answers = new Map<string, Record<string, unknown>>();
  private count = 0;

  constructor(private readonly wire: Wire) {}

  enter(): Promise<Entrance> {
    return this.wire.open(text => {
      const answer = JSON.parse(text) as Record<string, unknown>;
      this.answers.set(String(answer['id']), answer);
    });
  }

  async request(pattern: string, data: unknown): Promise<unknown> {
    const id = String(++this.count);
    await this.wire.send(JSON.stringify({ id, pattern, data }));
    await until(() => this.answers.has(id), 10_000);
    const { err, response } = this.answers.get(id) ?? {};
    return err ?? response;
  }

  async event(pattern: string, data: unknown): Promise<void> {
    await this.wire.send(JSON.stringify({ pattern, data }));
  }
}

function wireTo(endpoint: string, shown: Shown): Wire {
  return endpoint.startsWith('ipc:') || shown.curve !== undefined
    ? new DealerWire(endpoint, shown)
    : new GateWire(endpoint, shown);
}

class GateWire implements Wire {
  private socket: GateClientSocket | undefined;

  constructor(
    private readonly endpoint: string,
    private readonly shown: Shown,
  ) {}

  open(heard: (text: string) => void): Promise<Entrance> {
    const { endpoint, shown } = this;
    const { publicKey: _publicKey, ...options } = shown;
    const { tls, plain, socket, limits } = resolveClientOptions({ ...PATIENT, connect: endpoint, ...options });
    return new Promise(settle => {
      const { maxMessageSize } = limits;
      const onOpened = () => settle('in');
      const client = new GateClientSocket({ endpoint, maxMessageSize, socket, tls, plain, onOpened });
      this.socket = client;
      onCleanup(() => client.close(0));
      client.open({
        message: ([frame]) => heard(String(frame)),
        lost: (_reason, code) => settle(code ?? 'DISCONNECTED'),
      });
    });
  }

  async send(text: string): Promise<unknown> {
    return this.socket?.send([Buffer.from(text)]);
  }
}

/** The package zeromq alone. */
class DealerWire implements Wire {
  private readonly dealer: Dealer;

  constructor(
    private readonly endpoint: string,
    { curve, publicKey, plain }: Shown,
  ) {
    const { secretKey = '', serverKey = '' } = curve ?? {};
    this.dealer = new Dealer({
      linger: 0,
      sendTimeout: 5_000,
      ...(curve && {
        curveServerKey: serverKey,
        curveSecretKey: secretKey,
        curvePublicKey: publicKey ?? publicKeyOf(secretKey),
      }),
      ...(plain && { plainUsername: plain.username, plainPassword: plain.password }),
    });
    onCleanup(() => this.dealer.close());
  }

  async open(heard: (text: string) => void): Promise<Entrance> {
    const entrance = this.entrance();
    this.dealer.connect(this.endpoint);
    void this.listen(heard).catch(() => undefined);
    return entrance;
  }

  send(text: string): Promise<unknown> {
    return this.dealer.send(text);
  }

  private async listen(heard: (text: string) => void): Promise<void> {
    for await (const [frame] of this.dealer) {
      heard(String(frame));
    }
  }

  private async entrance(): Promise<Entrance> {
    for await (const { type } of this.dealer.events) {
      switch (type) {
        case 'handshake':
          return 'in';
        case 'handshake:error:auth':
          return 'UNAUTHENTICATED';
        case 'handshake:error:other':
        case 'handshake:error:protocol':
        case 'disconnect':
        case 'end':
          return 'DISCONNECTED';
        default:
      }
    }
    return 'DISCONNECTED';
  }
}
