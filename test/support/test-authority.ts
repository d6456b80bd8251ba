import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import type { JsonGeneralNames } from '@peculiar/x509';
import { ALGORITHM, loadX509, toCryptoKey, type X509 } from '../../lib/cli/keygen/x509.js';

const DAY_MS = 86_400_000;

/** PEM of a certificate and its key. */
export interface Pems {
  readonly cert: string;
  readonly key: string;
}

export interface IssueOptions {
  /** @defaultValue 'somebody' */
  readonly name?: string;
  /** DNS names, and IP addresses with the prefix `ip:`. @defaultValue none */
  readonly hosts?: readonly string[];
  /** Days from now, negative for the past. @defaultValue -1 and 30 */
  readonly from?: number;
  readonly to?: number;
}

const DAYS = { from: -1, to: 30 };

/** Signs certificates, with any flaw that a test wants. */
export class TestAuthority {
  private constructor(
    private readonly x509: X509,
    /** Its own certificate. */
    readonly cert: string,
    private readonly key: KeyObject,
  ) {}

  static async create(): Promise<TestAuthority> {
    const x509 = await loadX509();
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: ALGORITHM.namedCurve });
    const cert = await x509.X509CertificateGenerator.createSelfSigned({
      name: [{ CN: [`test ${randomBytes(4).toString('hex')}`] }],
      keys: { publicKey: await toCryptoKey(publicKey), privateKey: await toCryptoKey(privateKey) },
      signingAlgorithm: ALGORITHM,
      serialNumber: '01',
      ...validity(DAYS),
      extensions: [
        new x509.BasicConstraintsExtension(true, 1, true),
        await x509.SubjectKeyIdentifierExtension.create(await toCryptoKey(publicKey)),
      ],
    });
    return new TestAuthority(x509, cert.toString('pem'), privateKey);
  }

  async issue({ name = 'somebody', hosts = [], from = DAYS.from, to = DAYS.to }: IssueOptions = {}): Promise<Pems> {
    const { x509 } = this;
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: ALGORITHM.namedCurve });
    const names: JsonGeneralNames = hosts.map(host =>
      host.startsWith('ip:') ? { type: 'ip', value: host.slice(3) } : { type: 'dns', value: host },
    );
    const cert = await x509.X509CertificateGenerator.create({
      subject: [{ CN: [name] }],
      issuer: new x509.X509Certificate(this.cert).subject,
      publicKey: await toCryptoKey(publicKey),
      signingKey: await toCryptoKey(this.key),
      signingAlgorithm: ALGORITHM,
      serialNumber: `40${randomBytes(8).toString('hex')}`,
      ...validity({ from, to }),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
      ],
    });
    return { cert: cert.toString('pem'), key: pemOf(privateKey) };
  }

  /** A list of certificates, given as PEM, that are no longer valid. */
  async revoke(...certs: readonly string[]): Promise<string> {
    const { x509 } = this;
    const { notBefore, notAfter } = validity(DAYS);
    const list = await x509.X509CrlGenerator.create({
      issuer: new x509.X509Certificate(this.cert).subject,
      thisUpdate: notBefore,
      nextUpdate: notAfter,
      entries: certs.map(cert => ({
        serialNumber: new x509.X509Certificate(cert).serialNumber,
        revocationDate: notBefore,
      })),
      signingKey: await toCryptoKey(this.key),
      signingAlgorithm: ALGORITHM,
    });
    return x509.PemConverter.encode(list.rawData, 'X509 CRL');
  }
}

/** A certificate that nobody else has signed. */
export async function selfSigned(hosts: readonly string[] = []): Promise<Pems> {
  const x509 = await loadX509();
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: ALGORITHM.namedCurve });
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ['self'] }],
    keys: { publicKey: await toCryptoKey(publicKey), privateKey: await toCryptoKey(privateKey) },
    signingAlgorithm: ALGORITHM,
    ...validity(DAYS),
    extensions: [new x509.SubjectAlternativeNameExtension(hosts.map(value => ({ type: 'dns' as const, value })))],
  });
  return { cert: cert.toString('pem'), key: pemOf(privateKey) };
}

function validity({ from, to }: { readonly from: number; readonly to: number }) {
  const now = Date.now();
  return { notBefore: new Date(now + from * DAY_MS), notAfter: new Date(now + to * DAY_MS) };
}

function pemOf(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}
