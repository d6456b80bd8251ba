import type { ZmqServerOptions } from 'nestjs-zeromq';
import { Role } from './roles.js';

/** Who may connect with `--secure`, each by a certificate with this common name. */
export const IDENTITIES = {
  'press-7': { certificate: 'CN=press-7', roles: Role.Device },
  analyst: { certificate: 'CN=analyst', roles: Role.Analyst },
  admin: { certificate: 'CN=admin', roles: Role.Admin },
  // Both pass on readings of devices, and show what the service knows.
  gateway: { certificate: 'CN=gateway', roles: [Role.Device, Role.Analyst] },
  replay: { certificate: 'CN=replay', roles: [Role.Device, Role.Analyst] },
} satisfies ZmqServerOptions['identities'];

export type IdentityName = keyof typeof IDENTITIES;

export function isIdentityName(text: string): text is IdentityName {
  return Object.hasOwn(IDENTITIES, text);
}
