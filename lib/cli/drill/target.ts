import { lookup } from 'node:dns/promises';
import { BlockList, isIP, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { UsageError } from '../usage-error.js';

/** Paths of PEM files. */
export interface TargetFiles {
  /** Who signs the target's certificate. @defaultValue the authorities that Node knows */
  readonly caFile?: string;
  /** Of a client that the target lets in, and its key. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** How a target is reached by TLS. */
export interface TargetTls extends TargetFiles {
  /** Name that its certificate must have, if it was named at all. */
  readonly servername?: string;
}

export interface Target {
  /** A numeric address of this machine: what was checked is what is connected to. */
  readonly host: string;
  readonly port: number;
  /** Of `tls://`. */
  readonly tls?: TargetTls;
}

/** What the check looks up, so that tests need neither names nor interfaces. */
export interface Surroundings {
  readonly addressesOf: (name: string) => Promise<readonly string[]>;
  readonly ownAddresses: () => readonly string[];
}

const ENDPOINT = /^(tcp|tls):\/\/(\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

const SURROUNDINGS: Surroundings = {
  addressesOf: async name => (await lookup(name, { all: true })).map(({ address }) => address),
  ownAddresses: () =>
    Object.values(networkInterfaces())
      .flat()
      .flatMap(found => (found === undefined ? [] : [found.address])),
};

/**
 * Accepts an endpoint only if every address behind it belongs to the machine that this runs on.
 *
 * @throws {@link UsageError} for anything else.
 */
export async function checkTarget(text: string, surroundings: Surroundings = SURROUNDINGS): Promise<Target> {
  const [, scheme, bracketed, portText] = ENDPOINT.exec(text) ?? [];
  const port = Number(portText);
  if (bracketed === undefined || !(port >= 1 && port <= 65_535)) {
    throw new UsageError(`--target must be tcp://host:port or tls://host:port, but is '${text}'.`);
  }
  const name = bracketed.replace(/^\[|\]$/g, '');
  const addresses = isIP(name) > 0 ? [name] : await resolveAll(name, surroundings);
  const own = ownAddresses(surroundings);
  const foreign = addresses.find(address => !isOwn(address, own));
  if (foreign !== undefined) {
    const what = foreign === name ? foreign : `${name}, which is ${foreign},`;
    throw new UsageError(
      `--target must be on this machine, but ${what} is not. The drill attacks only what runs beside it.`,
    );
  }
  // An IPv4 address has many sources to attack from.
  const host = addresses.find(isIPv4) ?? (addresses[0] as string);
  return { host, port, ...(scheme === 'tls' && { tls: isIP(name) > 0 ? {} : { servername: name } }) };
}

export function endpointOf({ host, port, tls }: Target): string {
  return `${tls === undefined ? 'tcp' : 'tls'}://${isIPv4(host) ? host : `[${host}]`}:${port}`;
}

async function resolveAll(name: string, { addressesOf }: Surroundings): Promise<readonly string[]> {
  const addresses = await addressesOf(name).catch(() => []);
  if (addresses.length === 0) {
    throw new UsageError(`--target names the host '${name}', which has no address.`);
  }
  return addresses;
}

function ownAddresses({ ownAddresses: list }: Surroundings): BlockList {
  const own = new BlockList();
  for (const address of list()) {
    own.addAddress(address, isIPv4(address) ? 'ipv4' : 'ipv6');
  }
  return own;
}

/** Compared as addresses, not as texts, as IPv6 has several ways to write one. */
function isOwn(address: string, own: BlockList): boolean {
  const family = isIPv4(address) ? 'ipv4' : 'ipv6';
  return LOOPBACK.check(address, family) || own.check(address, family);
}
