import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BUILD_TIMEOUT_MS, ensureBuild } from '../support/build.js';
import { freePort, SampleProgram } from '../support/sample-program.js';

/** So that the test disturbs nothing that uses the default ports. */
const FREE_PORTS = { ZMQ_BIND: 'tcp://127.0.0.1:*', HTTP_PORT: '0' };
const READINGS = 37_965;

// Most of these start three processes, and some replay all readings.
vi.setConfig({ testTimeout: 60_000 });

beforeAll(ensureBuild, BUILD_TIMEOUT_MS);
afterAll(SampleProgram.killLeftovers);

describe('starting the sample app', () => {
  it('replays the weather records and ends after the summary with --once', async () => {
    const program = SampleProgram.start({ name: 'main', args: ['--once'], env: FREE_PORTS });
    const [, service] = await program.line(/^listening on (tcp:\S+)$/);
    const [, gateway] = await program.line(/^listening on (http:\S+)$/);
    expect(await program.exitCode()).toBe(0);

    expect(program.output).toContain(`100 % | ${READINGS} of ${READINGS} readings`);
    expect(program.output).toMatch(/^37,965 readings stored in \d+\.\d s, [\d,]+ a second$/m);
    // A machine that is slow enough never comes to the limit.
    expect(program.output).toMatch(/^(limited to|the limit of) 2,000 a second of each device\b/m);
    expect(program.output).not.toContain('left out');
    expect(program.output).toMatch(/^seattle +temperature +2,922 +-7\.1 +35\.6 +12\.3 +5\.6$/m);
    expect(program.output).toMatch(/^new-york +precipitation +1,461 +0\.0 +118\.9 +2\.9 +1\.5$/m);
    expect(program.output).toMatch(/^seattle-hourly +pressure +8,759 +1015\.4 +1019\.5 +1017\.2 +1016\.7$/m);
    await expectNobodyAt(service!);
    await expectNobodyAt(gateway!);
  });

  it('tells in the summary how often the service refused for a time, and what it left out, at a lower rate', async () => {
    const env = { ...FREE_PORTS, INGEST_RATE: '50' };
    const program = SampleProgram.start({ name: 'main', args: ['--once'], env });
    expect(await program.exitCode()).toBe(0);

    expect(program.output).toMatch(/^telemetry\.ingest +up to 4 KB, 50 a second of each device$/m);
    expect(program.output).toMatch(/^2,250 readings stored in \d+\.\d s/m);
    expect(program.output).toMatch(/^limited to 50 a second of each device: [1-9][\d,]* times one was refused/m);
    expect(program.output).toMatch(/^left out the other 35,715, which would take too long$/m);
    expect(program.output).toMatch(/^seattle-hourly +pressure +250 /m);
  });

  it('stays up after the summary, prints commands that work, and stops on SIGINT', async () => {
    // A rate that nothing reaches, so that the replay is short.
    const program = SampleProgram.start({ name: 'main', env: { ...FREE_PORTS, INGEST_RATE: '1000000' } });
    const [, gateway] = await program.line(/^ +curl (http:\S+)\/health$/);
    const urls = program.output.matchAll(/^ +curl (?:-N )?(http:\S+\/(?:stats|health|watch))$/gm);
    const responses = await Promise.all(Array.from(urls, ([, url]) => head(url!)));
    expect(responses).toEqual([200, 200, 200]);

    program.kill('SIGINT');
    expect(await program.exitCode()).toBe(0);
    await expectNobodyAt(gateway!);
  });

  it('ends with exit code 1 and no summary when it is stopped during the replay', async () => {
    const program = SampleProgram.start({ name: 'main', env: FREE_PORTS });
    const [, service] = await program.line(/^listening on (tcp:\S+)$/);
    await program.line(/^10 % /);
    program.kill('SIGTERM');

    expect(await program.exitCode()).toBe(1);
    expect(program.output).toMatch(/^Stopped by SIGTERM$/m);
    expect(program.output).not.toContain('readings stored');
    await expectNobodyAt(service!);
  });
});

describe('a port in use', () => {
  it('is named by the service, which ends with exit code 1', async () => {
    await withOccupiedPort(async port => {
      const service = SampleProgram.start({ name: 'service', env: { ZMQ_BIND: `tcp://127.0.0.1:${port}` } });

      expect(await service.exitCode()).toBe(1);
      expect(service.output).toContain(`127.0.0.1:${port}`);
    });
  });

  it('is named by the gateway, which ends with exit code 1', async () => {
    await withOccupiedPort(async port => {
      const gateway = SampleProgram.start({ name: 'gateway', env: { HTTP_PORT: String(port) } });

      expect(await gateway.exitCode()).toBe(1);
      expect(gateway.output).toContain(`127.0.0.1:${port}`);
    });
  });

  it('ends the whole sample app with exit code 1', async () => {
    await withOccupiedPort(async port => {
      const env = { ...FREE_PORTS, HTTP_PORT: String(port) };
      const program = SampleProgram.start({ name: 'main', env });
      const service = await program.endpoint();

      expect(await program.exitCode()).toBe(1);
      expect(program.output).toContain(`127.0.0.1:${port}`);
      await expectNobodyAt(service);
    });
  });
});

describe('wrong settings', () => {
  it('end the service with exit code 1 and a message', async () => {
    const service = SampleProgram.start({ name: 'service', env: { ZMQ_BIND: 'nowhere' } });

    expect(await service.exitCode()).toBe(1);
    expect(service.output).toContain('nowhere');
  });

  it('end the service with exit code 1 and a message that names MEMORY_BUDGET', async () => {
    const service = SampleProgram.start({ name: 'service', env: { ...FREE_PORTS, MEMORY_BUDGET: 'lots' } });

    expect(await service.exitCode()).toBe(1);
    expect(service.output).toBe('MEMORY_BUDGET must be a size such as "64mb", from 8mb to 64gb, not "lots"');
  });

  it('end the service with exit code 1 and a message that names INGEST_RATE', async () => {
    const service = SampleProgram.start({ name: 'service', env: { ...FREE_PORTS, INGEST_RATE: 'fast' } });

    expect(await service.exitCode()).toBe(1);
    expect(service.output).toBe(
      'INGEST_RATE must be a whole number of readings a second, from 1 to 1000000, not "fast"',
    );
  });

  it('end the whole sample app with exit code 1 for a wrong INGEST_RATE, before anything is started', async () => {
    const program = SampleProgram.start({ name: 'main', env: { ...FREE_PORTS, INGEST_RATE: '0' } });

    expect(await program.exitCode()).toBe(1);
    expect(program.output).toMatch(/^INGEST_RATE must be [^\n]+$/);
  });

  it('end the whole sample app with exit code 1', async () => {
    const program = SampleProgram.start({ name: 'main', env: { ...FREE_PORTS, MEMORY_BUDGET: '1kb' } });

    expect(await program.exitCode()).toBe(1);
    expect(program.output).toContain('MEMORY_BUDGET must be a size');
  });

  it('end the gateway with exit code 1 and a message', async () => {
    const gateway = SampleProgram.start({ name: 'gateway', env: { HTTP_PORT: 'http' } });

    expect(await gateway.exitCode()).toBe(1);
    expect(gateway.output).toContain('HTTP_PORT must be a number from 0 to 65535, not "http"');
  });
});

describe('the servers of the sample app', () => {
  it('stop when the program that started them was killed', async () => {
    const program = SampleProgram.start({ name: 'main', env: FREE_PORTS });
    const [, service] = await program.line(/^listening on (tcp:\S+)$/);
    const [, gateway] = await program.line(/^listening on (http:\S+)$/);
    program.kill('SIGKILL');
    // Its output stays open for as long as one of the servers lives.
    expect(await program.exitCode()).toBeNull();

    await expectNobodyAt(service!);
    await expectNobodyAt(gateway!);
  });
});

/** The status of a response, without waiting for the end of its body. */
async function head(url: string): Promise<number> {
  const abort = new AbortController();
  const response = await fetch(url, { signal: AbortSignal.any([abort.signal, AbortSignal.timeout(10_000)]) });
  abort.abort();
  return response.status;
}

/** Something can listen at an endpoint only if nobody else does. */
async function expectNobodyAt(endpoint: string): Promise<void> {
  const { hostname, port } = new URL(endpoint.replace('tcp:', 'http:'));
  const server = createServer().listen(Number(port), hostname);
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
}

async function withOccupiedPort(act: (port: number) => Promise<void>): Promise<void> {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  try {
    await act(port);
  } finally {
    server.close();
  }
}
