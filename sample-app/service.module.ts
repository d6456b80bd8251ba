import { Module } from '@nestjs/common';
import { ZmqModule } from 'nestjs-zeromq';
import { BlobsModule } from './blobs/blobs.module.js';
import { EchoController } from './echo/echo.controller.js';
import { TelemetryModule } from './telemetry/telemetry.module.js';
import { WhoamiController } from './whoami/whoami.controller.js';

const MAX_REPORTED_FIELDS = 10;

/** The telemetry service: everything that answers over ZeroMQ. */
@Module({
  imports: [
    // A handler that says nothing of who may call it is for nobody.
    ZmqModule.forRoot({ denyByDefault: true, validation: { maxErrors: MAX_REPORTED_FIELDS } }),
    TelemetryModule,
    BlobsModule,
  ],
  controllers: [EchoController, WhoamiController],
})
export class ServiceModule {}
