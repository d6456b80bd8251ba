import { existsSync } from 'node:fs';
import { invalid, resolveFields, type Field } from './fields.js';
import type { Secret } from './secret.js';
import { path, sourceOf, type Source } from './source.js';
import { isZ85Key, secretZ85Key, z85Key } from './z85.js';

/** CURVE of a server (RFC 26), carried by libzmq. `nestjs-zeromq keygen curve` makes keys. */
export interface ZmqServerCurveOptions {
  /** The server's secret key, 40 characters of Z85. */
  readonly secretKey?: string;
  /** A file with nothing but that key. Must not be readable by everybody. */
  readonly secretKeyFile?: string;
}

/** CURVE of a client. */
export interface ZmqClientCurveOptions extends ZmqServerCurveOptions {
  /** The server's public key, 40 characters of Z85. */
  readonly serverKey: string;
}

export interface ResolvedServerCurve {
  readonly secretKey: Source;
}

export interface ResolvedClientCurve extends ResolvedServerCurve {
  readonly serverKey: string;
}

const SERVER_FIELDS = { secretKey: secretZ85Key, secretKeyFile: path };
const CLIENT_FIELDS = { ...SERVER_FIELDS, serverKey: z85Key };

/** The group `curve` of a server's options; `undefined` if there is none. */
export const serverCurveOptions: Field<ResolvedServerCurve | undefined> = (value, option) =>
  value === undefined ? undefined : Object.freeze(keyOf(resolveFields(value, SERVER_FIELDS, option), option));

/** The group `curve` of a client's options; `undefined` if there is none. */
export const clientCurveOptions: Field<ResolvedClientCurve | undefined> = (value, option) => {
  if (value === undefined) {
    return undefined;
  }
  const given = resolveFields(value, CLIENT_FIELDS, option);
  return Object.freeze({ ...keyOf(given, option), serverKey: given.serverKey });
};

function keyOf(
  given: { readonly secretKey: Secret<string> | undefined; readonly secretKeyFile: string | undefined },
  option: string,
): ResolvedServerCurve {
  const { secretKeyFile: file } = given;
  if (file !== undefined && isZ85Key(file) && !existsSync(file)) {
    throw invalid(`${option}.secretKeyFile must be the path of a file. For the key itself there is secretKey.`);
  }
  const secretKey = sourceOf(given.secretKey, file, `${option}.secretKey`);
  if (secretKey === undefined) {
    throw invalid(`${option}.secretKey or secretKeyFile must be given.`);
  }
  return { secretKey };
}
