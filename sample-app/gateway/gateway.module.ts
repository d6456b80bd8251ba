import { type DynamicModule, Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { ClientsModule } from '@nestjs/microservices';
import { TerminusModule } from '@nestjs/terminus';
import { ClientZmq, type ZmqClientOptions } from 'nestjs-zeromq';
import { MAX_BLOB_MESSAGE_SIZE } from '../blobs/blobs.patterns.js';
import type { ServiceConnection } from '../security/connection.js';
import { BlobsHttpController } from './blobs-http.controller.js';
import { DevicesHttpController } from './devices-http.controller.js';
import { HealthHttpController } from './health-http.controller.js';
import { ReadingsHttpController } from './readings-http.controller.js';
import { SERVICE, SERVICE_CONNECTION } from './service.tokens.js';
import { ServiceErrorInterceptor } from './service-error.interceptor.js';

const TIMEOUT_MS = 10_000;

/** HTTP in front of the telemetry service. */
@Module({})
export class GatewayModule {
  static forService(connection: ServiceConnection): DynamicModule {
    const options: ZmqClientOptions = {
      ...connection,
      timeout: TIMEOUT_MS,
      limits: { maxMessageSize: MAX_BLOB_MESSAGE_SIZE },
    };
    return {
      module: GatewayModule,
      imports: [ClientsModule.register([{ name: SERVICE, customClass: ClientZmq, options }]), TerminusModule],
      controllers: [ReadingsHttpController, DevicesHttpController, BlobsHttpController, HealthHttpController],
      providers: [
        { provide: SERVICE_CONNECTION, useValue: connection },
        { provide: APP_INTERCEPTOR, useClass: ServiceErrorInterceptor },
      ],
    };
  }
}
