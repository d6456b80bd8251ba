import { describe } from '../../options/bytes.js';
import { cidrList } from '../../options/cidr.js';
import { connectEndpoints } from '../../options/endpoint.js';
import {
  byteSize,
  choice,
  flag as yesOrNo,
  group,
  invalid,
  milliseconds,
  resolveFields,
  type Field,
  type Resolved,
} from '../../options/fields.js';
import { gateOptions } from '../../options/gate-options.js';
import { optional, type ResolvedListener } from '../../options/listener-options.js';
import { SOCKET_FIELDS } from '../../options/socket-options.js';
import { serverTlsOptions } from '../../options/tls-options.js';
import { completeGateListeners, identities, listen, mechanism } from './gate-listeners.js';
import { withTlsFlags, type TlsFlags } from './tls-flags.js';

const KIBI = 1024;
const MEBI = 1024 ** 2;
const GIBI = 1024 ** 3;
/** Messages of the largest size that must fit into the budget for the gate to get on with several peers at a time. */
const LEAST_MESSAGES = 4;

const forward: Field<string | undefined> = (value, option) => {
  if (value === undefined) {
    return undefined;
  }
  const endpoint = typeof value === 'string' ? connectEndpoints('')(value, option)[0] : undefined;
  if (endpoint === undefined || !/^(tcp|ipc):/.test(endpoint)) {
    throw invalid(`${option} must be one tcp://host:port or ipc://path, but is ${describe(value)}.`);
  }
  return endpoint;
};

/** The config file. Each field checks the flag of the same name as well. */
export const SETTING_FIELDS = {
  listen,
  forward,
  type: choice(['router', 'rep', 'pull', 'sub'], 'router'),
  tls: serverTlsOptions,
  mechanism,
  identities,
  anonymous: optional(yesOrNo(true)),
  allow: cidrList,
  deny: cidrList,
  allowInsecure: yesOrNo(false),
  memoryBudget: byteSize({ min: MEBI, max: 1024 * GIBI, fallback: 64 * MEBI }),
  maxMessageSize: byteSize({ min: KIBI, max: GIBI, fallback: MEBI }),
  drainTimeout: milliseconds({ min: 0, max: 3_600_000, fallback: 10_000 }),
  gate: gateOptions,
  socket: group(SOCKET_FIELDS),
};

type Given = Resolved<typeof SETTING_FIELDS>;
export type SettingName = keyof Given;
/** What the service behind the gate is. */
export type ServiceType = Given['type'];

export interface GateSettings extends Omit<Given, 'tls' | 'mechanism' | 'anonymous' | 'allow' | 'deny'> {
  /** With what goes for all of them. */
  readonly listen: readonly ResolvedListener[];
  readonly forward: string;
}

/** A setting given by a flag: its value, and the flag to name when it is wrong. */
export type FlagSettings = Readonly<Partial<Record<SettingName, { readonly value: unknown; readonly flag: string }>>>;

/**
 * The settings of a config file with those of the command line in their places.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names the option or flag.
 */
export function resolveSettings(config: unknown, flags: FlagSettings, tlsFlags: TlsFlags = {}): GateSettings {
  const overrides = Object.entries(flags).map(([name, { value, flag }]) => [
    name,
    SETTING_FIELDS[name as SettingName](value, flag),
  ]);
  const fromFile = resolveFields(withTlsFlags(config, tlsFlags), SETTING_FIELDS, 'config');
  const settings: Given = { ...fromFile, ...Object.fromEntries(overrides) };
  if (settings.listen === undefined) {
    throw invalid('--listen is missing: where peers connect, such as tcp://127.0.0.1:5555. Or set config.listen.');
  }
  if (settings.forward === undefined) {
    throw invalid('--forward is missing: the service, such as ipc:///run/app.sock. Or set config.forward.');
  }
  const { maxMessageSize, memoryBudget } = settings;
  if (maxMessageSize * LEAST_MESSAGES > memoryBudget) {
    throw invalid(
      `memoryBudget (${memoryBudget}) must be at least ${LEAST_MESSAGES} times maxMessageSize (${maxMessageSize}).`,
    );
  }
  const { tls: _tls, mechanism: _mechanism, anonymous: _anonymous, allow: _allow, deny: _deny, ...rest } = settings;
  const listeners = completeGateListeners(settings.listen, settings, flags.listen?.flag ?? 'config.listen');
  return Object.freeze({ ...rest, listen: listeners, forward: settings.forward });
}
