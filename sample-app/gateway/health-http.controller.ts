import { Controller, Get, Inject } from '@nestjs/common';
import type { CustomClientOptions } from '@nestjs/microservices';
import { HealthCheck, type HealthCheckResult, HealthCheckService, MicroserviceHealthIndicator } from '@nestjs/terminus';
import { ClientZmq } from 'nestjs-zeromq';
import type { ServiceConnection } from '../security/connection.js';
import { SERVICE_CONNECTION } from './service.tokens.js';

const CONNECT_TIMEOUT_MS = 1_500;
const CHECK_TIMEOUT_MS = 2_000;
const CACHE_MS = 1_000;

@Controller('health')
export class HealthHttpController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly microservice: MicroserviceHealthIndicator,
    @Inject(SERVICE_CONNECTION) private readonly connection: ServiceConnection,
  ) {}

  /** Up as long as the service answers: a `ClientZmq` is connected only after a round trip with its peer. */
  @Get()
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.health.check([() => this.pingService()]);
  }

  private pingService() {
    const ping = this.microservice.pingCheck<CustomClientOptions, 'service'>('service', {
      transport: undefined,
      customClass: ClientZmq,
      options: { ...this.connection, connectTimeout: CONNECT_TIMEOUT_MS },
    });
    // Each check opens a connection of its own; however many ask, there is one at a time.
    return ping.withTimeout(CHECK_TIMEOUT_MS).cacheFor(CACHE_MS);
  }
}
