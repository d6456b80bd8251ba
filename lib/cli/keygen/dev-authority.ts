import { createPrivateKey, generateKeyPairSync, randomBytes, X509Certificate, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonGeneralNames, JsonName } from '@peculiar/x509';
import { invalid } from '../../options/fields.js';
import { PUBLIC, SECRET, writeKeyFile } from './key-file.js';
import { ALGORITHM, toCryptoKey, type X509 } from './x509.js';

const DAY_MS = 86_400_000;
/** Clocks of a few machines may differ by so much. */
const BACKDATED_MS = 5 * 60_000;
const MIN_DAYS = 365;

export interface Issue {
  readonly cert: string;
  readonly key: string;
  readonly subject: JsonName;
  readonly usage: 'server' | 'client';
  readonly names: JsonGeneralNames;
  readonly days: number;
}

/** An authority that signs certificates for development. It lives in a directory, as `ca.pem` and `ca.key`. */
export class DevAuthority {
  private constructor(
    private readonly x509: X509,
    readonly certificate: X509Certificate,
    private readonly key: KeyObject,
  ) {}

  /**
   * The authority of a directory; a new one if there is none or its time is over.
   *
   * @throws {@link ZmqException} `INVALID_OPTIONS` if there is only half of one.
   */
  static async open(x509: X509, { dir, days }: { dir: string; days: number }): Promise<DevAuthority> {
    const files = { cert: join(dir, 'ca.pem'), key: join(dir, 'ca.key') };
    const found = Object.values(files).filter(file => existsSync(file));
    if (found.length === 1) {
      throw invalid(`${found[0]} is there without ${found[0] === files.cert ? files.key : files.cert}.`);
    }
    if (found.length === 2) {
      const certificate = new X509Certificate(readFileSync(files.cert));
      const key = createPrivateKey(readFileSync(files.key));
      if (!certificate.checkPrivateKey(key)) {
        throw invalid(`${files.key} is not the key of ${files.cert}.`);
      }
      if (!isOver(certificate)) {
        return new DevAuthority(x509, certificate, key);
      }
    }
    return DevAuthority.create(x509, files, days);
  }

  private static async create(x509: X509, files: { cert: string; key: string }, days: number): Promise<DevAuthority> {
    const keys = generateKeyPairSync('ec', { namedCurve: ALGORITHM.namedCurve });
    // A name of its own: two authorities of one name would be taken for each other.
    const name: JsonName = [{ CN: [`nestjs-zeromq development ${randomBytes(4).toString('hex')}`] }];
    const publicKey = await toCryptoKey(keys.publicKey);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name,
      keys: { publicKey, privateKey: await toCryptoKey(keys.privateKey) },
      signingAlgorithm: ALGORITHM,
      serialNumber: serialNumber(),
      ...validity(Math.max(days, MIN_DAYS)),
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(publicKey),
      ],
    });
    writeKeyFile(files.key, pemOf(keys.privateKey), { mode: SECRET, force: true });
    writeKeyFile(files.cert, `${certificate.toString('pem')}\n`, { mode: PUBLIC, force: true });
    return new DevAuthority(x509, new X509Certificate(certificate.toString('pem')), keys.privateKey);
  }

  /** Whether both files are there, belong together, are signed by this authority, and still hold. */
  hasIssued({ cert, key }: { cert: string; key: string }): boolean {
    if (!existsSync(cert) || !existsSync(key)) {
      return false;
    }
    const certificate = new X509Certificate(readFileSync(cert));
    return (
      certificate.verify(this.certificate.publicKey) &&
      certificate.checkPrivateKey(createPrivateKey(readFileSync(key))) &&
      !isOver(certificate)
    );
  }

  /** Writes a new certificate and its key, in place of those that may be there. */
  async issue({ cert, key, subject, usage, names, days }: Issue): Promise<void> {
    const { x509 } = this;
    const keys = generateKeyPairSync('ec', { namedCurve: ALGORITHM.namedCurve });
    const publicKey = await toCryptoKey(keys.publicKey);
    const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
    const { notBefore, notAfter } = validity(days);
    const end = new Date(this.certificate.validTo);
    const certificate = await x509.X509CertificateGenerator.create({
      subject,
      issuer: this.parsed.subject,
      publicKey,
      signingKey: await toCryptoKey(this.key),
      signingAlgorithm: ALGORITHM,
      serialNumber: serialNumber(),
      notBefore,
      notAfter: end < notAfter ? end : notAfter,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage === 'server' ? serverAuth : clientAuth]),
        await x509.SubjectKeyIdentifierExtension.create(publicKey),
        await x509.AuthorityKeyIdentifierExtension.create(this.parsed.publicKey),
        ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
      ],
    });
    writeKeyFile(key, pemOf(keys.privateKey), { mode: SECRET, force: true });
    writeKeyFile(cert, `${certificate.toString('pem')}\n`, { mode: PUBLIC, force: true });
  }

  /** PEM of a list of revoked certificates, given by their serial numbers in hex. */
  async revocationList(serialNumbers: readonly string[], days: number): Promise<string> {
    const { x509 } = this;
    const { notBefore: thisUpdate, notAfter: nextUpdate } = validity(days);
    const list = await x509.X509CrlGenerator.create({
      issuer: this.parsed.subject,
      thisUpdate,
      nextUpdate,
      entries: serialNumbers.map(serial => ({ serialNumber: serial, revocationDate: thisUpdate })),
      extensions: [await x509.AuthorityKeyIdentifierExtension.create(this.parsed.publicKey)],
      signingKey: await toCryptoKey(this.key),
      signingAlgorithm: ALGORITHM,
    });
    // OpenSSL does not know the package's own label for lists, 'CRL'.
    return `${x509.PemConverter.encode(list.rawData, 'X509 CRL')}\n`;
  }

  private get parsed() {
    return new this.x509.X509Certificate(this.certificate.raw);
  }
}

function isOver(certificate: X509Certificate): boolean {
  return Date.parse(certificate.validTo) <= Date.now();
}

function validity(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - BACKDATED_MS), notAfter: new Date(now + days * DAY_MS) };
}

/** 16 random bytes. The first is neither negative nor zero, so that every reader sees the same number. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}

function pemOf(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}
