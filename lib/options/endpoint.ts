import { isIPv6 } from 'node:net';
import { describe } from './bytes.js';
import { invalid, type Field } from './fields.js';

// libzmq knows the names of its transports in small letters only.
const TCP = /^t(?:cp|ls):\/\/(\*|\[[0-9a-fA-F:.]+(?:%\w+)?\]|[\w.-]+):(\*|\d{1,5})$/;
/** Linux limits the path of a unix socket to 107 bytes and a terminator. */
const MAX_IPC_PATH = 107;
const MAX_ENDPOINTS = 256;

/** The addresses that a server binds: one or several of `tcp://host:port`, `tls://host:port`, `ipc://path`, `inproc://name`. */
export function bindEndpoints(fallback: string): Field<readonly string[]> {
  return (value = fallback, option) => Object.freeze(list(value, option).map(endpoint => checkBind(endpoint, option)));
}

/** The addresses that a client connects to, in the same forms. */
export function connectEndpoints(fallback: string): Field<readonly string[]> {
  return (value = fallback, option) =>
    Object.freeze(list(value, option).map(endpoint => checkConnect(endpoint, option)));
}

/** Whether an endpoint names a literal IPv6 address, which libzmq resolves only when it is told to. */
export function isIPv6Endpoint(endpoint: string): boolean {
  const host = TCP.exec(endpoint)?.[1] ?? '';
  return host.startsWith('[') && isIPv6(host.slice(1, -1));
}

/** Whether an endpoint can be reached from other machines, as far as its host name tells. */
export function isExposed(endpoint: string): boolean {
  const host = hostOf(endpoint);
  return host !== undefined && host !== 'localhost' && !isLoopback(host);
}

/** Host of `tcp://` and `tls://`, without the brackets of IPv6; `undefined` for others. */
export function hostOf(endpoint: string): string | undefined {
  return TCP.exec(endpoint)?.[1]?.replace(/^\[|\]$/g, '');
}

/** Whether an address stands for the machine itself. */
export function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(address);
}

function list(value: unknown, option: string): readonly string[] {
  const endpoints = Array.isArray(value) ? value : [value];
  if (endpoints.length === 0 || endpoints.length > MAX_ENDPOINTS) {
    throw invalid(`${option} must have from 1 to ${MAX_ENDPOINTS} endpoints, but has ${endpoints.length}.`);
  }
  const fixed = endpoints.filter(endpoint => !endsInWildcard(endpoint));
  if (new Set(fixed).size !== fixed.length) {
    throw invalid(`${option} names the same endpoint twice.`);
  }
  return endpoints;
}

function endsInWildcard(endpoint: unknown): boolean {
  return typeof endpoint === 'string' && /:(\*|0+)$/.test(endpoint);
}

function checkBind(endpoint: unknown, option: string): string {
  const text = checkForm(endpoint, option);
  return TCP.test(text) ? text.replace(/:0+$/, ':*') : text;
}

function checkConnect(endpoint: unknown, option: string): string {
  const text = checkForm(endpoint, option);
  const [, host, port] = TCP.exec(text) ?? [];
  if (host === '*' || port === '*' || Number(port) === 0 || text === 'ipc://*') {
    throw invalid(`${option} must name a host and a port to connect to, but is ${describe(endpoint)}.`);
  }
  return text;
}

function checkForm(endpoint: unknown, option: string): string {
  if (typeof endpoint === 'string') {
    const [, , port] = TCP.exec(endpoint) ?? [];
    const isTcp = port === '*' || (port !== undefined && Number(port) <= 65_535);
    if (isTcp || isIpc(endpoint) || /^inproc:\/\/[\x21-\x7e]{1,255}$/.test(endpoint)) {
      return endpoint;
    }
  }
  throw invalid(
    `${option} must be tcp://host:port, tls://host:port, ipc://path (at most ${MAX_IPC_PATH} bytes) or inproc://name, ` +
      `but is ${describe(withoutCredentials(endpoint))}.`,
  );
}

/** Other protocols have passwords in their addresses, and one may have been meant. */
function withoutCredentials(endpoint: unknown): unknown {
  return typeof endpoint === 'string' ? endpoint.replace(/\/\/.*@/s, '//[redacted]@') : endpoint;
}

function isIpc(endpoint: string): boolean {
  const path = /^ipc:\/\/([^\0]+)$/.exec(endpoint)?.[1];
  return path !== undefined && Buffer.byteLength(path) <= MAX_IPC_PATH;
}
