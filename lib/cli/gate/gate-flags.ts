import { readFileSync } from 'node:fs';
import { ZmqException } from '../../errors/zmq.exception.js';
import { bytesFlag, FLAG, numberFlag, parseFlags, TEXT } from '../parse-flags.js';
import { UsageError } from '../usage-error.js';
import { resolveSettings, type FlagSettings, type GateSettings, type SettingName } from './gate-settings.js';
import type { TlsFlags } from './tls-flags.js';

export interface GateFlags {
  readonly config: string | undefined;
  readonly settings: FlagSettings;
  readonly tls: TlsFlags;
  readonly json: boolean;
  /** Milliseconds between two status reports, 0 for none. */
  readonly statusInterval: number;
}

/** A flag with a text behind it that may be given several times. */
const TEXTS = { type: 'string', multiple: true } as const;
const DEFAULT_STATUS_SECONDS = 60;
const MAX_CONFIG_BYTES = 1024 ** 2;

/**
 * Reads the command line of `gate`.
 *
 * @returns 'help' if that is what is asked for
 * @throws {@link UsageError} that names the flag.
 */
export function parseGateFlags(args: readonly string[]): GateFlags | 'help' {
  const flags = parseFlags(args, {
    listen: TEXTS,
    forward: TEXT,
    type: TEXT,
    config: TEXT,
    'tls-cert': TEXT,
    'tls-key': TEXT,
    'tls-ca': TEXT,
    allow: TEXTS,
    deny: TEXTS,
    'allow-insecure': FLAG,
    'memory-budget': TEXT,
    'max-message-size': TEXT,
    'drain-timeout': TEXT,
    'status-interval': TEXT,
    json: FLAG,
    help: { ...FLAG, short: 'h' },
  });
  if (flags.help) {
    return 'help';
  }
  const given: readonly [SettingName, string, unknown][] = [
    ['listen', 'listen', flags.listen],
    ['forward', 'forward', flags.forward],
    ['type', 'type', flags.type],
    ['allow', 'allow', flags.allow],
    ['deny', 'deny', flags.deny],
    ['allowInsecure', 'allow-insecure', flags['allow-insecure'] || undefined],
    ['memoryBudget', 'memory-budget', bytesFlag(flags['memory-budget'], 'memory-budget')],
    ['maxMessageSize', 'max-message-size', bytesFlag(flags['max-message-size'], 'max-message-size')],
    ['drainTimeout', 'drain-timeout', numberFlag(flags['drain-timeout'], 'drain-timeout', { min: 0, max: 3_600_000 })],
  ];
  const settings = given
    .filter(([, , value]) => value !== undefined)
    .map(([name, flag, value]) => [name, { value, flag: `--${flag}` }]);
  const bounds = { min: 0, max: 86_400 };
  const seconds = numberFlag(flags['status-interval'], 'status-interval', bounds) ?? DEFAULT_STATUS_SECONDS;
  return {
    config: flags.config,
    settings: Object.fromEntries(settings) as FlagSettings,
    tls: { certFile: flags['tls-cert'], keyFile: flags['tls-key'], caFile: flags['tls-ca'] },
    json: flags.json,
    statusInterval: seconds * 1_000,
  };
}

/**
 * Reads the config file, if there is one, and completes it by the flags.
 *
 * @throws {@link UsageError} that names the file and the option, or the flag.
 */
export function loadSettings({ config, settings, tls }: GateFlags): GateSettings {
  const content = config === undefined ? {} : readConfig(config);
  try {
    return resolveSettings(content, settings, tls);
  } catch (error) {
    if (!(error instanceof ZmqException)) {
      throw error;
    }
    // Whatever names a flag, or neither, is not the file's fault alone.
    throw new UsageError(
      config !== undefined && error.message.startsWith('config') ? `${config}: ${error.message}` : error.message,
    );
  }
}

function readConfig(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`--config names ${path}, which cannot be read: ${(error as Error).message}.`);
  }
  if (text.length > MAX_CONFIG_BYTES) {
    throw new UsageError(`--config names ${path}, which is larger than ${MAX_CONFIG_BYTES} bytes.`);
  }
  try {
    return JSON.parse(text);
  } catch {
    // A parser shows what it has stumbled over, which may be a key.
    throw new UsageError(`--config names ${path}, which is no JSON.`);
  }
}
