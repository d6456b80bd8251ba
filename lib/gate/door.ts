import type { ZmqMechanism } from '../options/authenticator.js';
import type { ResolvedServerTls } from '../options/tls-options.js';
import { AddressRules } from '../security/address-list.js';
import type { Authenticate } from '../security/verdict.js';
import { CONNECTION_BYTES, TLS_CONNECTION_BYTES } from './admission.js';
import { TlsHandshakes, type TlsReload } from './tls-handshakes.js';

/** One endpoint of the gate, and whom it is for. */
export interface GateBind {
  /** `tcp://host:port`, or `tls://host:port` with `tls`. */
  readonly endpoint: string;
  /** @defaultValue the endpoint */
  readonly name?: string;
  readonly tls?: ResolvedServerTls | undefined;
  /** @defaultValue 'NULL' */
  readonly mechanism?: Exclude<ZmqMechanism, 'CURVE'>;
  /** Decides who is let in; without it anybody is who the mechanism NULL can carry, and nobody with PLAIN. */
  readonly authenticate?: Authenticate | undefined;
  /** Networks that may connect; all if there are none. */
  readonly allow?: readonly string[];
  /** Networks that may not. */
  readonly deny?: readonly string[];
  /** Roles of all who come in here. */
  readonly roles?: readonly string[];
}

export interface DoorOptions {
  readonly bind: GateBind;
  readonly onTlsReloaded: (name: string, reload: TlsReload) => void;
}

/** Where connections of one endpoint come in. */
export class Door {
  readonly name: string;
  readonly endpoint: string;
  readonly mechanism: Exclude<ZmqMechanism, 'CURVE'>;
  readonly authenticate: Authenticate | undefined;
  readonly roles: readonly string[];
  readonly requiresCertificate: boolean;
  /** From where connections are taken. */
  addresses: AddressRules;
  readonly tls: TlsHandshakes | undefined;

  /** @throws {@link ZmqException} `INVALID_OPTIONS` if certificate or key cannot be used */
  constructor({ bind, onTlsReloaded }: DoorOptions) {
    const {
      endpoint,
      name = endpoint,
      tls,
      mechanism = 'NULL',
      authenticate,
      allow = [],
      deny = [],
      roles = [],
    } = bind;
    this.endpoint = endpoint;
    this.name = name;
    this.mechanism = mechanism;
    this.authenticate = authenticate;
    this.roles = roles;
    this.requiresCertificate = tls?.requireCertificate ?? false;
    this.addresses = new AddressRules({ allow, deny });
    this.tls = tls && new TlsHandshakes({ tls, onReloaded: reload => onTlsReloaded(name, reload) });
  }

  /** What a connection costs beside what it sends, in bytes. */
  get cost(): number {
    return this.tls === undefined ? CONNECTION_BYTES : TLS_CONNECTION_BYTES;
  }

  close(): void {
    this.tls?.close();
  }
}
