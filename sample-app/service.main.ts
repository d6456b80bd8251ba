import { NestFactory } from '@nestjs/core';
import { ServerZmq } from 'nestjs-zeromq';
import { MAX_BLOB_MESSAGE_SIZE } from './blobs/blobs.patterns.js';
import { APPLICATION_OPTIONS, runProgram, serve } from './processes/server-program.js';
import { ServiceModule } from './service.module.js';
import { serviceSettings } from './settings.js';

await runProgram(async () => {
  const { bind } = serviceSettings(process.env);
  const strategy = new ServerZmq({ bind, limits: { maxMessageSize: MAX_BLOB_MESSAGE_SIZE } });
  const app = await NestFactory.createMicroservice(ServiceModule, { ...APPLICATION_OPTIONS, strategy });
  await serve(app, async () => {
    await app.listen();
    return strategy.endpoints;
  });
});
