import { describe } from './bytes.js';
import { invalid, type Field } from './fields.js';
import { networkOf, parseIpAddress } from './ip-address.js';

const MAX_ENTRIES = 10_000;
const BITS = { ipv4: 32, ipv6: 128 } as const;

/**
 * Networks: one or several of `address` or `address/prefix`, in IPv4 or IPv6, at most 10,000; none unless given. The result
 * has every entry as canonical `address/prefix`. Networks in IPv6 hold no IPv4 addresses, `::/0` neither; an IPv4 network
 * mapped into IPv6 (`::ffff:10.0.0.0/104`) is the IPv4 network.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names the option and the entry
 */
export const cidrList: Field<readonly string[]> = (value = [], option) => {
  const entries: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (entries.length > MAX_ENTRIES) {
    throw invalid(`${option} must have at most ${MAX_ENTRIES} entries, but has ${entries.length}.`);
  }
  return Object.freeze(
    entries.map((entry, index) => cidr(entry, Array.isArray(value) ? `${option}[${index}]` : option)),
  );
};

function cidr(value: unknown, option: string): string {
  const [, host = '', digits] =
    /^([^/]{2,45})(?:\/(0|[1-9]\d{0,2}))?$/.exec(typeof value === 'string' ? value : '') ?? [];
  const address = parseIpAddress(host);
  if (address === undefined) {
    throw wrongForm(value, option);
  }
  const bits = BITS[address.family];
  // What is mapped counts its prefix from the beginning of the IPv6 address.
  const offset = address.isMapped ? BITS.ipv6 - BITS.ipv4 : 0;
  const prefix = digits === undefined ? bits : Number(digits) - offset;
  if (prefix > bits) {
    throw wrongForm(value, option);
  }
  if (prefix < 0) {
    throw invalid(
      `${option} must not mix IPv4 and IPv6: a network of IPv4 addresses that are mapped into IPv6 has a prefix of ` +
        `at least ${offset}, but it is ${describe(value)}.`,
    );
  }
  const network = networkOf(address, prefix);
  if (network !== address.text) {
    throw invalid(
      `${option} has bits beyond its prefix: ${describe(value)}. ` +
        `The network is ${network}/${prefix}, the address alone ${address.text}/${bits}.`,
    );
  }
  return `${network}/${prefix}`;
}

function wrongForm(value: unknown, option: string): Error {
  return invalid(
    `${option} must be an IP address or a network such as 10.0.0.0/8 or 2001:db8::/32, without zone, ` +
      `but is ${describe(value)}.`,
  );
}
