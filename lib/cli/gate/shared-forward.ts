import { BudgetAccount, type PeerAccount } from '../../limits/peer-account.js';
import type { Forward, ForwardEvents } from './forward.js';
import { ServiceLink, type ServiceRoute } from './service-link.js';

export interface SharedForwardOptions {
  readonly route: ServiceRoute;
  readonly events: ForwardEvents;
}

/**
 * Carries to a PULL or SUB, which never answers: one connection for all peers. While the service is away, messages for a
 * PULL wait for it; those for a SUB are gone, as from any publisher.
 */
export class SharedForward implements Forward {
  private readonly link: ServiceLink;
  private readonly keeps: boolean;

  constructor(private readonly options: SharedForwardOptions) {
    const { route, events } = options;
    this.keeps = route.socketType !== 'PUB';
    this.link = new ServiceLink({
      route,
      account: new BudgetAccount(route.holdings),
      staysConnected: true,
      listener: {
        begun: () => undefined,
        reply: () => undefined,
        connected: () => events.serviceUp(),
        lost: reason => events.serviceDown(reason),
        dropped: messages => events.dropped(messages),
        ended: () => undefined,
      },
    });
    this.link.connect();
  }

  get isDrained(): boolean {
    return this.link.isIdle;
  }

  take(_peerId: string, frames: Buffer[], account: PeerAccount): void {
    this.options.events.received(frames);
    if (this.keeps || this.link.isConnected) {
      this.link.push(frames, account);
    } else {
      this.options.events.dropped(1);
    }
  }

  peerGone(): void {
    // What it sent waits with everybody else's.
  }

  close(timeout: number): void {
    this.link.finish(timeout);
  }
}
