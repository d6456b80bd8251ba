import { hasConnections } from '../../options/identity-options.js';
import type { ResolvedListener } from '../../options/listener-options.js';
import type { ResolvedServerOptions } from '../../options/server-options.js';
import { exposureOf, isReachable } from '../../security/exposure.js';

/** Who can reach a listener, and what protects it. */
export interface ListenerReport {
  readonly endpoint: string;
  readonly engine: string;
  readonly reach: 'this process' | 'this machine' | 'other machines';
  readonly protection: string;
  /** What is wrong with it; `undefined` for nothing. */
  readonly problem?: string;
}

export async function reportListeners(options: ResolvedServerOptions): Promise<readonly ListenerReport[]> {
  const isAsked = options.authenticator !== undefined || hasConnections(options.identities);
  const reports: ListenerReport[] = [];
  for (const listener of options.bind) {
    const { endpoint, engine } = listener;
    const reach = await reachOf(endpoint, options.socket.ipv6);
    const problem = reach === 'other machines' ? exposureOf(listener, isAsked) : undefined;
    const report = { endpoint, engine, reach, protection: protectionOf(listener) };
    reports.push(problem === undefined ? report : { ...report, problem });
  }
  return reports;
}

async function reachOf(endpoint: string, ipv6: boolean): Promise<ListenerReport['reach']> {
  if (endpoint.startsWith('inproc://')) {
    return 'this process';
  }
  return (await isReachable(endpoint, ipv6)) ? 'other machines' : 'this machine';
}

function protectionOf({ tls, mechanism, allow, deny, admit }: ResolvedListener): string {
  const parts = [
    ...(tls === undefined ? [] : [tls.ca === undefined ? 'TLS' : tlsWithClients(tls.requireCertificate)]),
    ...(mechanism === 'NULL' ? [] : [mechanism]),
    ...(allow.length > 0 ? [`from ${allow.join(', ')} only`] : []),
    ...(deny.length > 0 ? [`not from ${deny.join(', ')}`] : []),
    ...(admit.length > 0 ? [`for ${admit.join(', ')} only`] : []),
  ];
  return parts.length === 0 ? 'none' : parts.join(', ');
}

function tlsWithClients(isRequired: boolean): string {
  return isRequired ? 'mutual TLS' : 'TLS, client certificates if they have one';
}
