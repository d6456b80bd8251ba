import { isIP, isIPv4, SocketAddress } from 'node:net';

/** An IP address in its one canonical text. An IPv4 address that came mapped into IPv6 (`::ffff:10.0.0.1`) is IPv4. */
export interface IpAddress {
  readonly family: 'ipv4' | 'ipv6';
  readonly text: string;
  readonly isMapped: boolean;
}

/** `undefined` for anything that is no IP address, and for addresses with a zone (`fe80::1%eth0`). */
export function parseIpAddress(text: string): IpAddress | undefined {
  // No address is longer, and the pattern that checks for IPv6 is not cheap.
  if (text.length > 45 || text.includes('%') || isIP(text) === 0) {
    return undefined;
  }
  if (isIPv4(text)) {
    return { family: 'ipv4', text, isMapped: false };
  }
  const canonical = new SocketAddress({ address: text, family: 'ipv6' }).address;
  const mapped = /^::ffff:([\d.]+)$/.exec(canonical)?.[1];
  return mapped === undefined || !isIPv4(mapped)
    ? { family: 'ipv6', text: canonical, isMapped: false }
    : { family: 'ipv4', text: mapped, isMapped: true };
}

/** The network that an address lies in: all bits beyond the first `prefix` ones are zero. */
export function networkOf({ family, text }: Pick<IpAddress, 'family' | 'text'>, prefix: number): string {
  const groups = family === 'ipv4' ? text.split('.').map(Number) : groupsOfIPv6(text);
  const width = family === 'ipv4' ? 8 : 16;
  const masked = groups.map((group, index) => {
    const kept = Math.min(Math.max(prefix - index * width, 0), width);
    return (group >> (width - kept)) << (width - kept);
  });
  if (family === 'ipv4') {
    return masked.join('.');
  }
  const address = masked.map(group => group.toString(16)).join(':');
  return new SocketAddress({ address, family: 'ipv6' }).address;
}

function groupsOfIPv6(text: string): number[] {
  // The canonical text of a few addresses ends like IPv4 (`::1.2.3.4`).
  const plain = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].map(group => parseInt(group, 16));
}
