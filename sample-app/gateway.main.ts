import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { parseArgs } from 'node:util';
import { limitHttp } from './gateway/http-limits.js';
import { GatewayModule } from './gateway/gateway.module.js';
import { APPLICATION_OPTIONS, runProgram, serve } from './processes/server-program.js';
import { serviceConnection } from './security/connection.js';
import { FLAGS, gatewaySettings } from './settings.js';

/** The gateway has no authentication, so it is there for this machine only. */
const HOST = '127.0.0.1';

await runProgram(async () => {
  const settings = gatewaySettings(process.env, parseArgs({ options: FLAGS }).values);
  const module = GatewayModule.forService(serviceConnection(settings, 'gateway'));
  const app = await NestFactory.create<NestExpressApplication>(module, {
    ...APPLICATION_OPTIONS,
    bodyParser: false,
    // Event streams have no end, so shutting down does not wait for one.
    forceCloseConnections: true,
  });
  limitHttp(app);
  await serve(app, async () => {
    await app.listen(settings.httpPort, HOST);
    return [await app.getUrl()];
  });
});
