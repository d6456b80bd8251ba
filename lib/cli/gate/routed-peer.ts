import type { GateServerSocket } from '../../gate/gate-server-socket.js';
import type { PeerAccount } from '../../limits/peer-account.js';
import type { ForwardEvents } from './forward.js';
import { ReplyPath } from './reply-path.js';
import { ServiceLink, type ServiceLinkListener, type ServiceRoute } from './service-link.js';

export interface RoutedPeerOptions {
  readonly id: string;
  readonly route: ServiceRoute;
  readonly gate: Pick<GateServerSocket, 'send' | 'drop'>;
  readonly account: PeerAccount;
  readonly events: ForwardEvents;
  readonly onEnded: (peer: RoutedPeer) => void;
}

/** One peer of a service that answers, with a connection to the service for it alone. */
export class RoutedPeer implements ServiceLinkListener {
  private readonly link: ServiceLink;
  private readonly replies: ReplyPath;
  private unanswered = 0;

  constructor(private readonly options: RoutedPeerOptions) {
    const { id, route, gate, account } = options;
    const { holdings } = route;
    this.replies = new ReplyPath({ peerId: id, gate, account, holdings, onChange: () => this.updateReading() });
    this.link = new ServiceLink({ route, account, listener: this, staysConnected: false });
    this.updateReading();
  }

  /** Whether everything has been sent and there were as many answers as requests. */
  get isDrained(): boolean {
    return this.link.isIdle && this.unanswered <= 0 && this.replies.isIdle;
  }

  request(frames: Buffer[]): void {
    this.unanswered++;
    this.link.push(frames, this.options.account);
  }

  /** The peer has gone; what it sent before that still counts. */
  leave(timeout: number): void {
    this.replies.end();
    this.link.finish(timeout);
  }

  abort(): void {
    this.link.abort();
  }

  updateReading(): void {
    this.link.read(this.replies.mayRead);
  }

  begun(bytes: number): void {
    this.replies.begun(bytes);
  }

  reply(frames: Buffer[]): void {
    this.unanswered--;
    this.options.events.answered(frames);
    this.replies.send(frames);
  }

  connected(): void {
    this.options.events.serviceUp();
  }

  lost(reason: string, wasOpen: boolean): void {
    const { events, gate, id } = this.options;
    events.serviceDown(reason);
    if (wasOpen) {
      // The service has forgotten this peer, and perhaps owes it an answer: it has to learn that, as without a gate.
      this.link.abort();
      gate.drop(id);
    }
  }

  dropped(messages: number): void {
    this.options.events.dropped(messages);
  }

  ended(): void {
    this.replies.end();
    this.options.onEnded(this);
  }
}
