import { NestFactory } from '@nestjs/core';
import { ServerZmq, ZmqLimits } from 'nestjs-zeromq';
import { parseArgs } from 'node:util';
import { MAX_BLOB_MESSAGE_SIZE } from './blobs/blobs.patterns.js';
import { formatLimits } from './limits/limits-text.js';
import { APPLICATION_OPTIONS, runProgram, serve } from './processes/server-program.js';
import { makeCertificates } from './security/certificates.js';
import { serviceSecurity } from './security/connection.js';
import { ServiceModule } from './service.module.js';
import { FLAGS, serviceSettings } from './settings.js';
import { readingLimits } from './telemetry/reading-rate.js';

await runProgram(async () => {
  const settings = serviceSettings(process.env, parseArgs({ options: FLAGS }).values);
  const { memoryBudget, ingestRate, certs } = settings;
  if (certs !== undefined) {
    await makeCertificates(certs);
  }
  const limits = { maxMessageSize: MAX_BLOB_MESSAGE_SIZE };
  const strategy = new ServerZmq({ ...serviceSecurity(settings), memoryBudget, limits });
  const app = await NestFactory.createMicroservice(ServiceModule, { ...APPLICATION_OPTIONS, strategy });
  await serve(app, async () => {
    await app.listen();
    const live = app.get(ZmqLimits);
    // Until here the rate in the decorators holds: they were read when the classes were, before any setting.
    live.change({ handlers: readingLimits(ingestRate) }, 'INGEST_RATE');
    console.log(formatLimits(strategy.endpoints, live.inForce));
    return strategy.endpoints;
  });
});
