import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/**
 * What to listen on: an address, the name of a network interface, or a host name of this machine. `*` is every address.
 *
 * @throws Error of the resolver if there is no such name
 */
export async function resolveHost(host: string, ipv6: boolean): Promise<string> {
  const plain = host.replace(/^\[|\]$/g, '');
  if (plain === '*') {
    return ipv6 ? '::' : '0.0.0.0';
  }
  if (isIP(plain.replace(/%.*$/, '')) !== 0) {
    return plain;
  }
  const addresses = networkInterfaces()[plain]?.map(({ address }) => address) ?? [];
  const named = addresses.find(address => isIP(address) === 4) ?? addresses[0];
  return named ?? (await lookup(plain, { family: ipv6 ? 0 : 4 })).address;
}
