import { BlockList } from 'node:net';
import { parseIpAddress } from '../options/ip-address.js';

/** Networks to look addresses up in. Networks in IPv6 hold no IPv4 addresses, however those are written. */
export class AddressList {
  readonly isEmpty: boolean;
  // One list would take an IPv4 address for one of `::/0`, too.
  readonly #networks = { ipv4: new BlockList(), ipv6: new BlockList() };

  /** @param cidrs - `address/prefix`, as `cidrList` gives them */
  constructor(cidrs: readonly string[]) {
    this.isEmpty = cidrs.length === 0;
    for (const cidr of cidrs) {
      const [address = '', prefix] = cidr.split('/');
      const family = address.includes(':') ? 'ipv6' : 'ipv4';
      this.#networks[family].addSubnet(address, Number(prefix), family);
    }
  }

  /** @param remote - as a socket gives it: perhaps an IPv4 address mapped into IPv6, perhaps with a zone (`fe80::1%eth0`) */
  includes(remote: string): boolean {
    const address = addressOf(remote);
    return address !== undefined && this.#networks[address.family].check(address.text, address.family);
  }
}

/** From where connections are taken. What is denied stays denied, whatever is allowed; an empty `allow` is everybody. */
export class AddressRules {
  /** Whether there is no rule at all. */
  readonly isOpen: boolean;
  readonly #allow: AddressList;
  readonly #deny: AddressList;

  constructor({ allow, deny }: { readonly allow: readonly string[]; readonly deny: readonly string[] }) {
    this.#allow = new AddressList(allow);
    this.#deny = new AddressList(deny);
    this.isOpen = this.#allow.isEmpty && this.#deny.isEmpty;
  }

  /** An address that cannot be read is admitted only where there is no rule. */
  admits(remote: string): boolean {
    if (this.isOpen) {
      return true;
    }
    if (addressOf(remote) === undefined || this.#deny.includes(remote)) {
      return false;
    }
    return this.#allow.isEmpty || this.#allow.includes(remote);
  }
}

function addressOf(remote: string): ReturnType<typeof parseIpAddress> {
  const zone = remote.indexOf('%');
  return parseIpAddress(zone < 0 ? remote : remote.slice(0, zone));
}
