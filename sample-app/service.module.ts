import { Module } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { BlobsModule } from './blobs/blobs.module.js';
import { EchoController } from './echo/echo.controller.js';
import { TelemetryModule } from './telemetry/telemetry.module.js';
import { RpcValidationPipe } from './validation/rpc-validation.pipe.js';

/** The telemetry service: everything that answers over ZeroMQ. */
@Module({
  imports: [TelemetryModule, BlobsModule],
  controllers: [EchoController],
  providers: [{ provide: APP_PIPE, useClass: RpcValidationPipe }],
})
export class ServiceModule {}
