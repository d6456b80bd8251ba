import { setTimeout as delay } from 'node:timers/promises';
import { descriptorLimit } from '../../gate/admission.js';
import type { GateBind } from '../../gate/door.js';
import { GateServerSocket } from '../../gate/gate-server-socket.js';
import type { TlsReload } from '../../gate/tls-handshakes.js';
import type { ClientSocketType } from '../../gate/client-losses.js';
import { splitBudget } from '../../limits/budget-split.js';
import type { ZmqViolation } from '../../limits/violation.js';
import type { ZmqCredentials } from '../../options/authenticator.js';
import type { ResolvedGateOptions } from '../../options/gate-options.js';
import type { ResolvedListener } from '../../options/listener-options.js';
import { AddressRules } from '../../security/address-list.js';
import type { Verdict } from '../../security/verdict.js';
import type { SocketType } from '../../zmtp/socket-types.js';
import type { Forward, ForwardEvents } from './forward.js';
import { GateSecurity } from './gate-security.js';
import type { GateSettings, ServiceType } from './gate-settings.js';
import { StatusSource, type ServiceState } from './gate-status.js';
import { Holdings } from './holdings.js';
import { RoutedForward } from './routed-forward.js';
import type { ServiceRoute } from './service-link.js';
import { settingsChanges, withRulesOf, type SettingsChanges } from './settings-changes.js';
import { SharedForward } from './shared-forward.js';
import { Traffic } from './traffic.js';

/** What the program tells whoever runs it. */
export interface GateProgramEvents {
  violation(violation: ZmqViolation): void;
  service(state: ServiceState, reason?: string): void;
  /** The files of a listener's certificate have changed. */
  tls(listener: string, reload: TlsReload): void;
  failed(error: Error): void;
}

/** What the gate is to peers, and to the service. */
const ROLES: Readonly<Record<ServiceType, { readonly outside: SocketType; readonly inside: ClientSocketType }>> = {
  router: { outside: 'ROUTER', inside: 'DEALER' },
  rep: { outside: 'REP', inside: 'DEALER' },
  pull: { outside: 'PULL', inside: 'PUSH' },
  sub: { outside: 'SUB', inside: 'PUB' },
};

/** Part of the budget that one reply of the service may take. */
const REPLY_PART = 1 / 4;
/** Milliseconds after which a peer that takes no replies is given up. */
const STALL_MS = 10_000;
const DRAIN_CHECK_MS = 20;

/** A gate in front of a service: takes complete messages that keep to the limits, and hands them on. */
export class GateProgram implements ForwardEvents {
  readonly traffic = new Traffic();
  readonly status: StatusSource;
  private readonly gate: GateServerSocket;
  private readonly holdings: Holdings;
  private readonly forward: Forward;
  private service: ServiceState = 'unknown';
  private security: GateSecurity;

  /** @throws {@link ZmqException} `INVALID_OPTIONS` for a certificate that cannot be used, or a listener that nobody could come in by */
  constructor(
    private settings: GateSettings,
    private readonly events: GateProgramEvents,
  ) {
    const { listen, type, socket, maxMessageSize, memoryBudget } = settings;
    const { receiving, held } = splitBudget(memoryBudget, maxMessageSize);
    this.security = new GateSecurity(settings);
    this.holdings = new Holdings(held);
    this.gate = new GateServerSocket({
      bind: listen.map(listener => this.bindOf(listener)),
      maxMessageSize,
      messageOverhead: 0,
      socket,
      gate: limitsOf(settings),
      stallTimeout: STALL_MS,
      receiving,
      memoryBudget,
      budget: this.holdings,
      socketType: ROLES[type].outside,
      onTlsReloaded: (listener, reload) => this.events.tls(listener, reload),
    });
    this.forward = this.createForward();
    this.status = new StatusSource({
      traffic: this.traffic,
      memoryBudget,
      connections: () => this.gate.usage.connections,
      heldBytes: () => this.holdings.used + this.gate.usage.receivingBytes,
      service: () => this.service,
    });
  }

  get endpoints(): readonly string[] {
    return this.gate.endpoints;
  }

  /** @throws {@link ZmqException} `BIND_FAILED` that names the endpoint. */
  async open(): Promise<void> {
    await this.gate.open({
      message: (peerId, frames, account) => {
        if (account !== undefined) {
          this.forward.take(peerId, frames, account);
        }
      },
      peerGone: peerId => {
        if (peerId !== undefined) {
          this.forward.peerGone(peerId);
        }
      },
      violation: violation => {
        this.traffic.violations += violation.count;
        this.events.violation(violation);
      },
      failed: error => this.events.failed(error),
    });
  }

  /**
   * Takes over limits, identities and access lists of other settings, and certificates whose files have changed. Peers who
   * would not be let in any more have to go. The rest of the settings needs another process.
   *
   * @throws {@link ZmqException} `INVALID_OPTIONS` if nobody could come in by a listener any more
   */
  reload(given: GateSettings): SettingsChanges {
    const changes = settingsChanges(this.settings, given);
    const { gate, identities } = given;
    const listen = withRulesOf(this.settings.listen, given.listen);
    const before = this.security;
    this.security = new GateSecurity({ listen, identities });
    this.settings = { ...this.settings, gate, identities, listen };
    this.gate.limits = limitsOf(this.settings);
    for (const listener of listen) {
      this.gate.admitFrom(listener.name, new AddressRules(listener));
    }
    this.gate.review(origin => this.security.keeps(origin, before));
    this.gate.reloadTls();
    return changes;
  }

  /** Takes nothing new, lets what is under way finish, and closes. */
  async close(): Promise<void> {
    const { drainTimeout } = this.settings;
    for (const server of this.gate.unwrap()) {
      server.close();
    }
    this.gate.pause();
    const end = performance.now() + drainTimeout;
    while (!this.forward.isDrained && performance.now() < end) {
      await delay(DRAIN_CHECK_MS);
    }
    this.forward.close(Math.max(0, end - performance.now()));
    await this.gate.close();
  }

  received(frames: readonly Buffer[]): void {
    this.traffic.received(frames);
  }

  answered(frames: readonly Buffer[]): void {
    this.traffic.answered(frames);
  }

  dropped(messages: number): void {
    this.traffic.dropped += messages;
  }

  serviceUp(): void {
    this.serviceIs('up');
  }

  serviceDown(reason: string): void {
    this.serviceIs('down', reason);
  }

  private bindOf({ endpoint, name, tls, mechanism, allow, deny, roles }: ResolvedListener): GateBind {
    const isOpen = this.security.isOpenAt(name);
    return {
      endpoint,
      name,
      tls,
      mechanism: mechanism === 'PLAIN' ? 'PLAIN' : 'NULL',
      authenticate: isOpen ? undefined : credentials => this.decide(credentials),
      allow,
      deny,
      roles,
    };
  }

  private decide(credentials: ZmqCredentials): Verdict | Promise<Verdict> {
    const { security } = this;
    const verdict = security.decide(credentials);
    // While a password was looked at, its owner may have been taken off the list.
    return verdict instanceof Promise
      ? verdict.then(decided => (security === this.security ? decided : this.decide(credentials)))
      : verdict;
  }

  private serviceIs(state: ServiceState, reason?: string): void {
    if (state !== this.service) {
      this.service = state;
      this.events.service(state, reason);
    }
  }

  private createForward(): Forward {
    const { forward: endpoint, type, socket, memoryBudget, drainTimeout } = this.settings;
    const { gate, holdings } = this;
    const maxReplySize = Math.floor(memoryBudget * REPLY_PART);
    const route: ServiceRoute = { endpoint, socketType: ROLES[type].inside, maxReplySize, socket, holdings };
    return isShared(type)
      ? new SharedForward({ route, events: this })
      : new RoutedForward({ gate, route, events: this, leaveTimeout: drainTimeout });
  }
}

function isShared(type: ServiceType): boolean {
  return type === 'pull' || type === 'sub';
}

/** Where each peer has a connection to the service as well, half as many peers use up the descriptors of the process. */
function limitsOf({ gate, type }: GateSettings): ResolvedGateOptions {
  const most = isShared(type) ? descriptorLimit() : Math.floor(descriptorLimit() / 2);
  return { ...gate, maxConnections: Math.min(gate.maxConnections, most) };
}
