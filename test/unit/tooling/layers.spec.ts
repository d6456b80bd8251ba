import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ACCEPTED = [
  ['index.ts', `export { ServerZmq } from './server/server-zmq.js';`],
  ['server/a.ts', `import { Router } from '../socket/router.js';\nimport './outbox.js';`],
  ['server/b.ts', `import { Server } from '@nestjs/microservices';`],
  ['socket/a.ts', `import { Router } from 'zeromq';\nimport { fail } from '../errors/fail.js';`],
  ['options/a.ts', `import type { Serializer } from '@nestjs/microservices';`],
  ['limits/a.ts', `import { ZmqException } from '../errors/zmq.exception.js';`],
] as const;

const REFUSED = [
  ['wire/c.ts', `import { x } from '../server/x.js';`, 'server stands above wire'],
  ['wire/d.ts', `import type { X } from '../socket/x.js';`, 'socket stands above wire'],
  ['errors/c.ts', `export * from '../index.js';`, 'index.ts stands above errors'],
  ['server/c.ts', `import { x } from '../client/x.js';`, 'server and client are siblings'],
  ['gate/c.ts', `const x = await import('../socket/x.js');`, 'gate and socket are siblings'],
  ['client/c.ts', `import { Dealer } from 'zeromq';`, 'zeromq is imported only from lib/socket'],
  ['client/d.ts', `type Dealer = import('zeromq').Dealer;`, 'zeromq is imported only from lib/socket'],
  ['wire/e.ts', `const { Logger } = require('@nestjs/common');`, '@nestjs/common is imported only from'],
  ['wire/f.ts', `import { x } from './x';`, 'relative imports end in .js'],
  ['wire/g.ts', `import { x } from '../../test/x.js';`, 'lib/ imports nothing outside of lib/'],
  ['wire/h.ts', `import { x } from 'nestjs-zeromq';`, 'imports its own files by relative paths'],
  ['utils/c.ts', `import { x } from '../errors/x.js';`, 'lib/utils is in no layer'],
] as const;

describe('the layer check', () => {
  let lib: string;
  let output: string;

  function check(): { status: number | null; stdout: string; stderr: string } {
    return spawnSync(process.execPath, ['.ci/check-layers.mjs', lib], { encoding: 'utf8' });
  }

  function write(file: string, text: string): void {
    mkdirSync(dirname(join(lib, file)), { recursive: true });
    writeFileSync(join(lib, file), text);
  }

  beforeAll(() => {
    lib = mkdtempSync(join(tmpdir(), 'layers-'));
    for (const [file, text] of ACCEPTED) write(file, text);
    expect(check()).toMatchObject({ status: 0, stdout: 'Layers: no violation.\n', stderr: '' });

    for (const [file, text] of REFUSED) write(file, text);
    const { status, stderr } = check();
    expect(status).toBe(1);
    output = stderr;
  });

  afterAll(() => {
    rmSync(lib, { recursive: true });
  });

  it.each(ACCEPTED)('accepts what points downward: %s with %s', file => {
    expect(output).not.toContain(`lib/${file}:`);
  });

  it.each(REFUSED)('refuses %s with %s: %s', (file, _text, problem) => {
    const lines = output.split('\n').filter(line => line.startsWith(`lib/${file}:1 `));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(problem);
  });
});
