import { DEFAULT_INGEST_RATE } from './telemetry/reading-rate.js';

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_ENDPOINT = 'tcp://127.0.0.1:5555';
const DEFAULT_HTTP_PORT = '3000';
const DEFAULT_CERTS = '.certs';
const MAX_PORT = 65_535;
const DEFAULT_MEMORY_BUDGET = '64mb';
/** Room for a few of the largest blobs at a time. */
const MIN_MEMORY_BUDGET = '8mb';
const MAX_MEMORY_BUDGET = '64gb';
const MAX_INGEST_RATE = 1_000_000;
const UNITS: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

/** Flags that all programs have, for `parseArgs()`. */
export const FLAGS = { secure: { type: 'boolean', default: false } } as const;

export interface Flags {
  /** `--secure`: service and clients show each other certificates. Endpoints are `tls://` then where they say `tcp://`. */
  readonly secure: boolean;
}

const PLAIN: Flags = { secure: false };

export interface ServiceSettings {
  /** `ZMQ_BIND`: where the service listens; a port `*` means any free one. */
  readonly bind: string;
  /** `MEMORY_BUDGET`: bytes that the service may hold for all its clients together. */
  readonly memoryBudget: number;
  /** `INGEST_RATE`: readings a second that the service takes of one device. */
  readonly ingestRate: number;
  /** `CERTS`: directory of the certificates; `undefined` without `--secure`. */
  readonly certs: string | undefined;
}

export interface ClientSettings {
  /** `ZMQ_URL`: where the service listens. */
  readonly serviceUrl: string;
  /** `CERTS`: directory of the certificates; `undefined` without `--secure`. */
  readonly certs: string | undefined;
}

export interface GatewaySettings extends ClientSettings {
  /** `HTTP_PORT`: 0 means any free port. */
  readonly httpPort: number;
}

/** @throws RangeError if `MEMORY_BUDGET` is no size, or a useless one, or `INGEST_RATE` no rate. */
export function serviceSettings(env: Environment, flags = PLAIN): ServiceSettings {
  return {
    bind: endpoint(env['ZMQ_BIND'], flags),
    memoryBudget: memoryBudget(env['MEMORY_BUDGET'] ?? DEFAULT_MEMORY_BUDGET),
    ingestRate: ingestRate(env['INGEST_RATE'] ?? String(DEFAULT_INGEST_RATE)),
    certs: certs(env, flags),
  };
}

export function clientSettings(env: Environment, flags = PLAIN): ClientSettings {
  return { serviceUrl: endpoint(env['ZMQ_URL'], flags), certs: certs(env, flags) };
}

/** @throws RangeError if `HTTP_PORT` is no port number. */
export function gatewaySettings(env: Environment, flags = PLAIN): GatewaySettings {
  return { httpPort: port(env['HTTP_PORT'] ?? DEFAULT_HTTP_PORT), ...clientSettings(env, flags) };
}

function endpoint(text = DEFAULT_ENDPOINT, { secure }: Flags): string {
  return secure ? text.replace(/^tcp:/, 'tls:') : text;
}

function certs(env: Environment, { secure }: Flags): string | undefined {
  return secure ? (env['CERTS'] ?? DEFAULT_CERTS) : undefined;
}

function port(text: string): number {
  const number = Number(text);
  if (!/^\d{1,5}$/.test(text) || number > MAX_PORT) {
    throw new RangeError(`HTTP_PORT must be a number from 0 to ${MAX_PORT}, not "${text}"`);
  }
  return number;
}

function memoryBudget(text: string): number {
  const bytes = byteSize(text);
  // NaN is in no range.
  if (!(bytes >= byteSize(MIN_MEMORY_BUDGET) && bytes <= byteSize(MAX_MEMORY_BUDGET))) {
    throw new RangeError(
      `MEMORY_BUDGET must be a size such as "${DEFAULT_MEMORY_BUDGET}", from ${MIN_MEMORY_BUDGET} to ${MAX_MEMORY_BUDGET}, not "${text}"`,
    );
  }
  return bytes;
}

function ingestRate(text: string): number {
  const rate = Number(text);
  if (!/^\d{1,7}$/.test(text) || rate < 1 || rate > MAX_INGEST_RATE) {
    throw new RangeError(
      `INGEST_RATE must be a whole number of readings a second, from 1 to ${MAX_INGEST_RATE}, not "${text}"`,
    );
  }
  return rate;
}

/** Bytes of a size like `512kb`, NaN for anything else. */
function byteSize(text: string): number {
  const [, number, unit = ''] = /^(\d{1,12})(b|kb|mb|gb)$/i.exec(text) ?? [];
  return Number(number) * (UNITS[unit.toLowerCase()] ?? NaN);
}
