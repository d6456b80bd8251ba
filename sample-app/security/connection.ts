import type { ZmqClientOptions, ZmqServerOptions } from 'nestjs-zeromq';
import type { ClientSettings, ServiceSettings } from '../settings.js';
import { assertCertificates, authorityFile, clientFiles, serverFiles } from './certificates.js';
import { IDENTITIES, type IdentityName } from './identities.js';
import { ALL_ROLES } from './roles.js';

export type ServiceSecurity = Pick<ZmqServerOptions, 'bind' | 'tls' | 'identities'>;
export type ServiceConnection = Pick<ZmqClientOptions, 'connect' | 'tls'>;

/**
 * Where the service listens, and for whom: with certificates for those that show one of its authority, each with the roles of
 * its name; without, for everybody on this machine, who may do everything then.
 */
export function serviceSecurity({ bind, certs }: Pick<ServiceSettings, 'bind' | 'certs'>): ServiceSecurity {
  return certs === undefined
    ? { bind: { endpoint: bind, roles: ALL_ROLES } }
    : { bind, tls: { ...serverFiles(certs), caFile: authorityFile(certs) }, identities: IDENTITIES };
}

/**
 * How a client reaches the service.
 *
 * @param as whose certificate it shows, if it shows one
 * @throws Error if there are no certificates where there should be
 */
export function serviceConnection({ serviceUrl, certs }: ClientSettings, as?: IdentityName): ServiceConnection {
  if (certs === undefined) {
    return { connect: serviceUrl };
  }
  assertCertificates(certs);
  return {
    connect: serviceUrl,
    tls: { caFile: authorityFile(certs), ...(as !== undefined && clientFiles(certs, as)) },
  };
}
