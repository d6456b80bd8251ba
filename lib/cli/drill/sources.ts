import { isIPv4 } from 'node:net';

const FIRST = 2;
const LAST = 256 + 50;

/**
 * The addresses that attackers come from: 127.0.0.2 to 127.0.1.50 against a target on 127.0.0.0/8, so that limits per
 * address show. Any other target is attacked from whatever address the system picks.
 */
export function attackSources(host: string): readonly (string | undefined)[] {
  if (process.platform !== 'linux' || !isIPv4(host) || !host.startsWith('127.')) {
    return [undefined];
  }
  return Array.from({ length: LAST - FIRST + 1 }, (_, index) => {
    const number = index + FIRST;
    return `127.0.${number >> 8}.${number & 255}`;
  }).filter(address => !/\.(0|255)$/.test(address));
}
