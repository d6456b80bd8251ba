import { createPrivateKey, X509Certificate } from 'node:crypto';
import { ZmqException } from '../../errors/zmq.exception.js';
import type { ResolvedServerOptions } from '../../options/server-options.js';
import type { Source } from '../../options/source.js';
import type { ResolvedCertificate, ResolvedServerTls } from '../../options/tls-options.js';
import { readCurveKey, readSource } from '../../security/key-files.js';
import type { Finding } from './finding.js';

const DAY_MS = 86_400_000;
const SOON_DAYS = 14;

/** Whether the keys and certificates of a server can be read, belong together, and hold. */
export function checkCredentials({ tls, curve, bind }: ResolvedServerOptions, now: number): Finding[] {
  const all = new Set([tls, ...bind.map(listener => listener.tls)].filter(each => each !== undefined));
  return [
    ...[...all].flatMap(each => checkTls(each, now)),
    ...(curve === undefined ? [] : readable(curve.secretKey, readCurveKey)),
  ];
}

function checkTls(tls: ResolvedServerTls, now: number): Finding[] {
  const { ca, crl, sni } = tls;
  return [
    ...[tls, ...sni.values()].flatMap(pair => attempt(() => checkPair(pair, now))),
    ...(ca === undefined ? [] : attempt(() => checkCertificate(ca, 'tls.ca', now).findings)),
    ...(crl === undefined ? [] : readable(crl, source => readSource(source, false))),
  ];
}

function readable(source: Source, read: (source: Source) => unknown): Finding[] {
  return attempt(() => {
    read(source);
    return [];
  });
}

function checkPair({ cert, key, passphrase }: ResolvedCertificate, now: number): Finding[] {
  const { certificate, findings } = checkCertificate(cert, 'tls.cert', now);
  const text = readSource(key, true);
  const where = key.file ?? 'tls.key';
  try {
    const privateKey = createPrivateKey({ key: text, ...(passphrase && { passphrase: passphrase.reveal() }) });
    if (!certificate.checkPrivateKey(privateKey)) {
      return [...findings, { level: 'error', text: `${where} is not the key of ${cert.file ?? 'tls.cert'}.` }];
    }
  } catch {
    return [...findings, { level: 'error', text: `${where} is no private key, or its passphrase is wrong.` }];
  }
  return findings;
}

/** The first certificate of a file, and what is wrong with it. */
function checkCertificate(
  source: Source,
  option: string,
  now: number,
): { readonly certificate: X509Certificate; readonly findings: Finding[] } {
  const where = source.file ?? option;
  const text = readSource(source, false);
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(text);
  } catch {
    throw new ZmqException('INVALID_OPTIONS', `${where} is no certificate.`);
  }
  const days = (Date.parse(certificate.validTo) - now) / DAY_MS;
  if (days <= 0 || Date.parse(certificate.validFrom) > now) {
    const span = `${certificate.validFrom} to ${certificate.validTo}`;
    return { certificate, findings: [{ level: 'error', text: `${where} does not hold now, but from ${span}.` }] };
  }
  return days < SOON_DAYS
    ? { certificate, findings: [{ level: 'warning', text: `${where} holds until ${certificate.validTo} only.` }] }
    : { certificate, findings: [] };
}

/** What a check finds, or why it cannot look. */
function attempt(check: () => Finding[]): Finding[] {
  try {
    return check();
  } catch (error) {
    if (error instanceof ZmqException) {
      return [{ level: 'error', text: error.message }];
    }
    throw error;
  }
}
