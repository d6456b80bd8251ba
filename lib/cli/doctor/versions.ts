import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform, release } from 'node:os';
import { dirname, join } from 'node:path';
import { libzmqCapabilities, libzmqVersion } from '../../socket/libzmq-version.js';

/** Names and versions, in the order in which they are shown. */
export type Versions = Readonly<Record<string, string>>;

const PACKAGES = ['@nestjs/common', '@nestjs/core', '@nestjs/microservices'];

/** What a server in this directory would run with. Packages that are not found are left out. */
export function readVersions(directory: string): Versions {
  const found = PACKAGES.map(name => [name, versionOf(name, directory)] as const);
  return {
    node: process.version,
    system: `${platform()} ${release()} ${arch()}`,
    openssl: process.versions.openssl,
    'nestjs-zeromq': ownVersion(),
    zeromq: versionOf('zeromq', import.meta.dirname) ?? 'unknown',
    libzmq: `${libzmqVersion} (${libzmqCapabilities.join(', ')})`,
    ...Object.fromEntries(found.flatMap(([name, version]) => (version === undefined ? [] : [[name, version]]))),
  };
}

/** The application's own, or else the one that this package would load. */
function versionOf(name: string, directory: string): string | undefined {
  // Not by resolving its manifest: some packages do not export it.
  const folders = [directory, import.meta.dirname].flatMap(
    from => createRequire(join(from, 'any.js')).resolve.paths(name) ?? [],
  );
  const manifest = folders.map(folder => join(folder, name, 'package.json')).find(file => existsSync(file));
  return manifest === undefined ? undefined : versionIn(manifest);
}

function ownVersion(): string {
  return versionIn(join(dirname(dirname(dirname(import.meta.dirname))), 'package.json'));
}

function versionIn(manifest: string): string {
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
