import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { AllowPeers, ZmqPeer } from 'nestjs-zeromq';

/** What the service knows of a caller; without a proof there is no identity. */
export interface WhoamiAnswer {
  readonly identity: string | undefined;
  readonly roles: readonly string[];
  readonly listener: string | undefined;
  /** SHA-256 of the certificate, in hexadecimal digits. */
  readonly fingerprint: string | undefined;
}

/** Tells everybody who he is taken for. */
@Controller()
@AllowPeers('anyone')
export class WhoamiController {
  @MessagePattern('whoami')
  whoami(@ZmqPeer() { identity, roles = [], listener, certificate }: ZmqPeer): WhoamiAnswer {
    return { identity, roles, listener, fingerprint: certificate?.fingerprint };
  }
}
