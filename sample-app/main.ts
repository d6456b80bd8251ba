import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { ClientZmq } from 'nestjs-zeromq';
import { firstValueFrom } from 'rxjs';
import { ChildProgram } from './processes/child-program.js';
import { runProgram } from './processes/server-program.js';
import { formatExamples } from './replay/examples.js';
import { createProgress } from './replay/progress.js';
import { replay } from './replay/replay.js';
import { selectReadings } from './replay/selection.js';
import { type DeviceSummary, formatSummary } from './replay/summary.js';
import { loadWeatherReadings } from './replay/weather-readings.js';
import { serviceConnection, type ServiceConnection } from './security/connection.js';
import { FLAGS, serviceSettings } from './settings.js';
import { type DeviceStatistics, TelemetryPattern } from './telemetry/telemetry.patterns.js';

/** Each time one of a batch at least gets through, so that far fewer suffice. */
const RETRY_ATTEMPTS = 100;

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => stop.abort(new Error(`Stopped by ${signal}`)));
}

await runProgram(async () => {
  const { values: options } = parseArgs({ options: { ...FLAGS, once: { type: 'boolean', default: false } } });
  const { ingestRate, certs } = serviceSettings(process.env, options);
  const args = options.secure ? ['--secure'] : [];
  const programs: ChildProgram[] = [];
  try {
    const service = await ChildProgram.start({ name: 'service', args, env: {} });
    programs.push(service);
    const gateway = await ChildProgram.start({ name: 'gateway', args, env: { ZMQ_URL: service.endpoint } });
    programs.push(gateway);

    await replayWeather(serviceConnection({ serviceUrl: service.endpoint, certs }, 'replay'), ingestRate);
    if (!options.once) {
      console.log(formatExamples(gateway.endpoint));
      await Promise.race([stopped(), service.ended, gateway.ended]);
    }
  } finally {
    // The gateway first, so that it never misses the service.
    for (const program of programs.reverse()) {
      await program.stop();
    }
  }
});

async function replayWeather(connection: ServiceConnection, rate: number): Promise<void> {
  const all = await loadWeatherReadings();
  const readings = selectReadings(all, rate);
  const client = new ClientZmq({ ...connection, retry: RETRY_ATTEMPTS });
  const progress = createProgress(readings.length, process.stdout);
  const deviceIds = new Set(readings.map(({ deviceId }) => deviceId));
  try {
    const replaying = replay({ client, readings, onStored: () => progress.advance(), signal: stop.signal });
    const result = await replaying.finally(() => progress.finish());
    const devices = await Promise.all(Array.from(deviceIds, deviceId => summarize(client, deviceId)));
    console.log(`\n${formatSummary(result, { rate, available: all.length }, devices)}`);
  } finally {
    await client.close();
  }
}

async function summarize(client: ClientZmq, deviceId: string): Promise<DeviceSummary> {
  const answer = client.send<DeviceStatistics>(TelemetryPattern.Stats, { deviceId });
  return { deviceId, statistics: await firstValueFrom(answer) };
}

async function stopped(): Promise<void> {
  if (!stop.signal.aborted) {
    await once(stop.signal, 'abort');
  }
}
