import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported } from '../support/attacks/expectations.js';
import { ALLOWED_BYTES, LEAST_GOODPUT, runAttack } from '../support/attacks/run-attack.js';
import { makeCertificates, type TestCertificates } from '../support/dev-certificates.js';

let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await makeCertificates('honest');
});
afterAll(() => certificates.remove());

describe('A26, TLS handshakes for nothing', () => {
  it('are held: they come at a rate that leaves the processor to those that are there', async () => {
    const victim = await AttackedProcess.secureVictim(certificates);
    const report = await runAttack(victim, 'A26');
    expect(report.verdict.reasons).toEqual([]);
    expect(report.ratio).toBeGreaterThanOrEqual(LEAST_GOODPUT);
    // Those that were left half-way; those that came too fast and those that stayed have numbers of their own.
    expectReported(victim, 'A26');
    expectReported(victim, 'A5');
  });

  it('fill the memory of a bare server of node:tls, which takes them all and waits for minutes', async () => {
    const bare = await AttackedProcess.bareTls(certificates);
    const report = await runAttack(bare, 'A26', { milliseconds: 6_000 });
    expect(report.over).toBeGreaterThan(ALLOWED_BYTES);
  });
});
