import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { limitHttp } from './gateway/http-limits.js';
import { GatewayModule } from './gateway/gateway.module.js';
import { APPLICATION_OPTIONS, runProgram, serve } from './processes/server-program.js';
import { gatewaySettings } from './settings.js';

/** The gateway has no authentication, so it is there for this machine only. */
const HOST = '127.0.0.1';

await runProgram(async () => {
  const { httpPort, serviceUrl } = gatewaySettings(process.env);
  const app = await NestFactory.create<NestExpressApplication>(GatewayModule.forService(serviceUrl), {
    ...APPLICATION_OPTIONS,
    bodyParser: false,
    // Event streams have no end, so shutting down does not wait for one.
    forceCloseConnections: true,
  });
  limitHttp(app);
  await serve(app, async () => {
    await app.listen(httpPort, HOST);
    return [await app.getUrl()];
  });
});
