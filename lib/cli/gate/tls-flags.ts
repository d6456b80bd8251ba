import { invalid } from '../../options/fields.js';

/** Paths of files, as the command line has them. */
export interface TlsFlags {
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly caFile?: string | undefined;
}

const PARTS = ['cert', 'key', 'ca'] as const;

/**
 * A config with the files of the command line in its group `tls`, in the place of what that has there.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names the flag
 */
export function withTlsFlags(config: unknown, flags: TlsFlags): unknown {
  const given = PARTS.filter(part => flags[`${part}File`] !== undefined);
  if (given.length === 0 || !isObject(config ?? {})) {
    return config;
  }
  const empty = given.find(part => flags[`${part}File`] === '');
  if (empty !== undefined) {
    throw invalid(`--tls-${empty} must be the path of a file.`);
  }
  const { tls = {}, ...rest } = (config ?? {}) as Readonly<Record<string, unknown>>;
  if (!isObject(tls)) {
    return config;
  }
  const missing = (['cert', 'key'] as const).find(
    part => !given.includes(part) && tls[part] === undefined && tls[`${part}File`] === undefined,
  );
  if (missing !== undefined) {
    throw invalid(`--tls-${missing} must be given with --tls-${given[0]}.`);
  }
  const replaced: Record<string, unknown> = { ...tls };
  for (const part of given) {
    delete replaced[part];
    replaced[`${part}File`] = flags[`${part}File`];
  }
  return { ...rest, tls: replaced };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
