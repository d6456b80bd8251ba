// A broker outlives the processes of a run: without a suffix a server of another run would answer too.
const suffix = process.env['BENCH_TOPIC'] ?? 'bench';

export const PATTERNS = { echo: `echo.${suffix}`, event: `event.${suffix}`, stream: `stream.${suffix}` };
