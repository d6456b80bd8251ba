type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_ENDPOINT = 'tcp://127.0.0.1:5555';
const DEFAULT_HTTP_PORT = '3000';
const MAX_PORT = 65_535;

export interface ServiceSettings {
  /** `ZMQ_BIND`: where the service listens; a port `*` means any free one. */
  readonly bind: string;
}

export interface GatewaySettings {
  /** `HTTP_PORT`: 0 means any free port. */
  readonly httpPort: number;
  /** `ZMQ_URL`: where the service listens. */
  readonly serviceUrl: string;
}

export function serviceSettings(env: Environment): ServiceSettings {
  return { bind: env['ZMQ_BIND'] ?? DEFAULT_ENDPOINT };
}

/** @throws RangeError if `HTTP_PORT` is no port number. */
export function gatewaySettings(env: Environment): GatewaySettings {
  return { httpPort: port(env['HTTP_PORT'] ?? DEFAULT_HTTP_PORT), serviceUrl: env['ZMQ_URL'] ?? DEFAULT_ENDPOINT };
}

function port(text: string): number {
  const number = Number(text);
  if (!/^\d{1,5}$/.test(text) || number > MAX_PORT) {
    throw new RangeError(`HTTP_PORT must be a number from 0 to ${MAX_PORT}, not "${text}"`);
  }
  return number;
}
