import { hostOf, isLoopback } from '../options/endpoint.js';
import { invalid } from '../options/fields.js';
import type { ResolvedListener } from '../options/listener-options.js';
import { resolveHost } from './resolve-host.js';

/** What there is of a listener that says whether it is protected. */
export type ExposedListener = Pick<ResolvedListener, 'endpoint' | 'tls' | 'mechanism' | 'anonymous'>;

export interface ExposureOptions {
  readonly listeners: readonly ExposedListener[];
  /** Whether host names may stand for addresses of IPv6. */
  readonly ipv6: boolean;
  /** Whether anything says who peers are. */
  readonly isAsked: boolean;
  /** Whether listeners that nothing protects are wanted so. */
  readonly allowInsecure: boolean;
  /** What can be done, as sentences. @defaultValue what the options of a server offer */
  readonly waysOut?: string;
}

const WAYS_OUT =
  'Either listen where only this machine can reach it (tcp://127.0.0.1 or ipc://), or protect it (tls:// with a certificate, ' +
  'or CURVE with identities), or say allowInsecure: true where the network itself keeps all others out.';

/**
 * Looks for listeners that other machines can reach and that nothing protects.
 *
 * @returns what is wrong with each, in words, where `allowInsecure` lets them be so
 * @throws {@link ZmqException} `INVALID_OPTIONS` where it does not
 */
export async function assertProtected(options: ExposureOptions): Promise<readonly string[]> {
  const { listeners, ipv6, isAsked, allowInsecure, waysOut = WAYS_OUT } = options;
  const problems: string[] = [];
  for (const listener of listeners) {
    const problem = exposureOf(listener, isAsked);
    if (problem !== undefined && (await isReachable(listener.endpoint, ipv6))) {
      problems.push(`${listener.endpoint} ${problem}.`);
    }
  }
  if (problems.length > 0 && !allowInsecure) {
    throw invalid(`${problems.join(' ')} ${waysOut}`);
  }
  return problems;
}

/**
 * What would be wrong if other machines could reach a listener, in words that go on after its endpoint.
 *
 * @param isAsked whether anything says who peers are
 */
export function exposureOf(
  { tls, mechanism, anonymous }: Omit<ExposedListener, 'endpoint'>,
  isAsked: boolean,
): string | undefined {
  if (tls !== undefined) {
    return undefined;
  }
  switch (mechanism) {
    case 'CURVE':
      return isAsked || anonymous === true
        ? undefined
        : 'can be reached from other machines and lets in everybody who knows its public key';
    case 'PLAIN':
      return 'can be reached from other machines, and passwords would cross the network readable to all';
    case 'NULL':
      return 'can be reached from other machines, by anybody, without authentication or encryption';
    default:
      return mechanism satisfies never;
  }
}

/** Whether other machines can reach an endpoint, as far as its host tells. `false` for a name that there is not. */
export async function isReachable(endpoint: string, ipv6: boolean): Promise<boolean> {
  const host = hostOf(endpoint);
  if (host === undefined) {
    return false;
  }
  try {
    return !isLoopback(await resolveHost(host, ipv6));
  } catch {
    // Binding tells so.
    return false;
  }
}
