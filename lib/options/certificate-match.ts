import { describe } from './bytes.js';
import { invalid, type Field } from './fields.js';
import { parseIpAddress } from './ip-address.js';

/** One thing to look for in a certificate. `value` is in the form that {@link certificateMatch} gives it. */
export interface CertificateMatch {
  readonly kind: 'CN' | 'DNS' | 'URI' | 'EMAIL' | 'IP' | 'SHA256';
  readonly value: string;
}

const FORMS =
  'CN=press-7, DNS:press-7.example (no wildcards), URI:spiffe://example/press-7, EMAIL:press@example.org, ' +
  'IP:10.0.0.1 or SHA256: with the 64 hex digits of the fingerprint';

/** Gives a value its canonical form, or `undefined` where it has none. */
const READERS: Readonly<Record<CertificateMatch['kind'], (value: string) => string | undefined>> = {
  CN: value => only(/^[^\p{C}\p{Zl}\p{Zp}]{1,255}$/u, value),
  DNS: value => only(/^(?=.{1,253}$)[\w-]{1,63}(\.[\w-]{1,63})*$/, value)?.toLowerCase(),
  URI: value => only(/^[a-z][a-z0-9+.-]*:[\x21-\x7e]{1,2048}$/i, value),
  EMAIL: value => only(/^(?=.{3,320}$)[^\s\p{C}@]+@[^\s\p{C}@]+$/u, value),
  IP: value => parseIpAddress(value)?.text,
  SHA256: value =>
    only(/^([0-9a-f]{64}|([0-9a-f]{2}:){31}[0-9a-f]{2})$/i, value)
      ?.replaceAll(':', '')
      .toUpperCase(),
};

/** What a certificate must have: a common name, a subject alternative name or a fingerprint, e.g. `CN=press-7`. */
export const certificateMatch: Field<CertificateMatch> = (value, option) => {
  const [, name, sign, rest = ''] = /^(CN|DNS|URI|EMAIL|IP|SHA256)([:=])(.+)$/su.exec(String(value)) ?? [];
  const kind = name as CertificateMatch['kind'] | undefined;
  const canonical =
    typeof value === 'string' && kind !== undefined && (kind === 'CN') === (sign === '=')
      ? READERS[kind](rest)
      : undefined;
  if (kind === undefined || canonical === undefined) {
    throw invalid(`${option} must be one of ${FORMS}, but is ${describe(value)}.`);
  }
  return Object.freeze({ kind, value: canonical });
};

function only(form: RegExp, value: string): string | undefined {
  return form.test(value) ? value : undefined;
}
