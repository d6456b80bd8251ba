import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ClientZmq } from 'nestjs-zeromq';
import { firstValueFrom } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BUILD_TIMEOUT_MS, ensureBuild } from '../support/build.js';
import { codeBlocks, readDocument, section } from '../support/markdown.js';
import { freePort } from '../support/sample-program.js';
import { SnippetProject } from '../support/snippet-project.js';

const DOCUMENTS = ['docs/security.md', 'docs/authorization.md', 'docs/keys.md'];
const PORTS = ['5555', '5556', '5557'];
const TIMEOUT_MS = 60_000;

const run = promisify(execFile);
const fileOf = (code: string): string | undefined => /^\/\/ (src\/[\w.-]+\.ts)\n/.exec(code)?.[1];
const keygen = (...args: string[]) => run(process.execPath, ['dist/cli/main.js', 'keygen', ...args]);

/** What a text block of a document promises to be printed. */
function promised(document: string, heading: string): string {
  const [text = ''] = codeBlocks(section(readDocument(document), heading), 'text');
  return text.trim();
}

describe('the code in the documents about security', () => {
  const dir = mkdtempSync(join(tmpdir(), 'nestjs-zeromq-docs-'));
  const identitiesFile = join(dir, 'certs', 'identities.json');
  const ports = new Map<string, string>();
  let project: SnippetProject;
  let press: { publicKey: string; secretKeyFile: string };
  let serverKey: string;

  /** With keys that were made for this run, and ports that are free. */
  const local = (code: string): string =>
    code
      .replaceAll(/\b(?:5555|5556|5557)\b/g, port => ports.get(port)!)
      .replaceAll(/'(certs|keys)\//g, `'${dir}/$1/`)
      .replace('HQ8@XEp.{Uck(Tcr3@}63bo1p[BGk[jrEMG2QBsJ', () => press.publicKey);

  const clients: ClientZmq[] = [];
  function client(options: ConstructorParameters<typeof ClientZmq>[0]): ClientZmq {
    const made = new ClientZmq(options);
    clients.push(made);
    return made;
  }

  const files = (name: string) => ({
    certFile: join(dir, 'certs', `client-${name}.pem`),
    keyFile: join(dir, 'certs', `client-${name}.key`),
    caFile: join(dir, 'certs', 'ca.pem'),
  });

  beforeAll(async () => {
    await ensureBuild();
    for (const port of PORTS) {
      ports.set(port, String(await freePort()));
    }
    await keygen('tls-dev', '--out', join(dir, 'certs'), '--client', 'press-7', '--client', 'analyst');
    const { stdout: ofServer } = await keygen('curve', '--out', join(dir, 'keys'), '--name', 'server', '--json');
    const { stdout: ofPress } = await keygen('curve', '--out', join(dir, 'keys'), '--name', 'press-7', '--json');
    ({ publicKey: serverKey } = JSON.parse(ofServer) as { publicKey: string });
    press = JSON.parse(ofPress) as typeof press;
    const blocks = DOCUMENTS.flatMap(name => codeBlocks(readDocument(name), 'ts'));
    const math = codeBlocks(readDocument('README.md'), 'ts').filter(code => fileOf(code) === 'src/math.controller.ts');
    project = await SnippetProject.create();
    for (const block of [...math, ...blocks]) {
      project.write(fileOf(block)!, local(block));
    }
    await project.build();
  }, BUILD_TIMEOUT_MS);

  afterEach(async () => {
    await Promise.all(clients.splice(0).map(each => each.close()));
    await project?.stopAll();
  });
  afterAll(async () => {
    await project?.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  it(
    'lets peers in by their certificates, and into handlers by their roles',
    async () => {
      const server = await project.start('secure.main');

      expect(await project.run('secure-client')).toBe(promised('docs/security.md', 'Mutual TLS'));
      await server.printed('press-7 may not call restart');
      const nobody = client({ connect: local('tls://localhost:5555'), tls: { caFile: files('analyst').caFile } });
      await expect(nobody.connect()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
      await server.printed('not-authenticated from 127.0.0.1: no certificate');
    },
    TIMEOUT_MS,
  );

  it(
    'lets peers in by their CURVE keys',
    async () => {
      await project.start('curve.main');
      const connect = local('tcp://127.0.0.1:5555');
      const own = client({ connect, curve: { serverKey, secretKeyFile: press.secretKeyFile } });
      const foreign = client({ connect, curve: { serverKey, secretKeyFile: join(dir, 'keys', 'server.key') } });

      expect(await firstValueFrom(own.send('sum', [1, 2]))).toBe(3);
      await expect(foreign.connect()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    },
    TIMEOUT_MS,
  );

  it(
    'has listeners for several kinds of peers',
    async () => {
      await project.start('listeners.main');
      const tls = { caFile: files('press-7').caFile };
      const desk = client({
        connect: local('tls://localhost:5556'),
        tls,
        plain: { username: 'ada', password: 'secret' },
      });
      const console = client({ connect: local('tcp://127.0.0.1:5557') });
      const hall = client({ connect: local('tls://127.0.0.1:5555'), tls: files('press-7'), connectTimeout: 500 });

      expect(await firstValueFrom(desk.send('sum', [1, 2]))).toBe(3);
      expect(await firstValueFrom(console.send('sum', [1, 2]))).toBe(3);
      // This is not the network of the hall.
      await expect(hall.connect()).rejects.toMatchObject({ code: 'DISCONNECTED' });
    },
    TIMEOUT_MS,
  );

  it(
    'asks an authenticator of its own, and tells of denials',
    async () => {
      const server = await project.start('machines.main');

      expect(await project.run('desk')).toBe(promised('docs/authorization.md', 'An authenticator of your own'));
      await server.printed('ada may not send request press.stop, 1 times');
      await server.printed('127.0.0.1 not let in: unknown, 1 times');
    },
    TIMEOUT_MS,
  );

  it(
    'takes over identities while it runs',
    async () => {
      const write = (identities: object) => writeFileSync(identitiesFile, JSON.stringify(identities));
      const listed = { 'press-7': { certificate: 'CN=press-7' }, analyst: { certificate: 'CN=analyst' } };
      write(listed);
      const server = await project.start('rotating.main');
      const connect = local('tls://localhost:5555');
      const [first, second] = ['press-7', 'analyst'].map(name => client({ connect, tls: files(name) }));
      expect(await Promise.all([first, second].map(each => firstValueFrom(each!.send('sum', [1, 2]))))).toEqual([3, 3]);

      const lost = new Promise(resolve => first!.on('disconnect', resolve));
      write({ analyst: listed.analyst });
      server.signal('SIGHUP');
      await server.printed('press-7: ');
      await lost;
      await expect(firstValueFrom(first!.send('sum', [1, 2]))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
      expect(await firstValueFrom(second!.send('sum', [1, 2]))).toBe(3);
      expect(server.output).not.toContain('analyst: ');
    },
    TIMEOUT_MS,
  );

  it('prints what docs/keys.md says', async () => {
    const keys = readDocument('docs/keys.md');
    const [command = ''] = codeBlocks(keys, 'sh');
    const [, ...args] = command.trim().replace('npx nestjs-zeromq ', '').split(' ');
    const out = join(dir, 'other');
    const { stdout } = await keygen(...args.map(arg => (arg === 'certs' ? out : arg)));
    expect(stdout.trim().replaceAll(out, 'certs')).toBe(codeBlocks(keys, 'text')[0]?.trim());
    expect(readFileSync(press.secretKeyFile, 'utf8')).toMatch(/^\S{40}\n$/);
  });
});
