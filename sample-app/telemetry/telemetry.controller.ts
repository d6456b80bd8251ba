import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { AllowPeers, Concurrency, MaxMessageSize, RateLimit } from 'nestjs-zeromq';
import type { Observable } from 'rxjs';
import { Role } from '../security/roles.js';
import { ForgetQueryDto } from './dto/forget-query.dto.js';
import { ReadingDto } from './dto/reading.dto.js';
import { StatsQueryDto } from './dto/stats-query.dto.js';
import { WatchQueryDto } from './dto/watch-query.dto.js';
import type { StoredReading } from './reading.js';
import { DEFAULT_INGEST_RATE, readingRate } from './reading-rate.js';
import { type DeviceStatistics, type ForgetAnswer, type IngestAnswer, TelemetryPattern } from './telemetry.patterns.js';
import { TelemetryService } from './telemetry.service.js';

/** Far above any reading or query that is valid. */
const MAX_MESSAGE_SIZE = '4kb';

const SENDERS = { roles: [Role.Device, Role.Admin] };
const READERS = { roles: [Role.Analyst, Role.Admin] };

@Controller()
@MaxMessageSize(MAX_MESSAGE_SIZE)
export class TelemetryController {
  constructor(private readonly telemetry: TelemetryService) {}

  @MessagePattern(TelemetryPattern.Ingest)
  @AllowPeers(SENDERS)
  @RateLimit(readingRate(DEFAULT_INGEST_RATE))
  ingest(@Payload() reading: ReadingDto): IngestAnswer {
    this.telemetry.store(reading);
    return { stored: true };
  }

  @EventPattern(TelemetryPattern.Reading)
  @AllowPeers(SENDERS)
  @RateLimit(readingRate(DEFAULT_INGEST_RATE))
  reading(@Payload() reading: ReadingDto): void {
    this.telemetry.store(reading);
  }

  @MessagePattern(TelemetryPattern.Stats)
  @AllowPeers(READERS)
  @Concurrency(16, { queue: 128 })
  stats(@Payload() { deviceId, metric }: StatsQueryDto): DeviceStatistics {
    return this.telemetry.statistics(deviceId, metric);
  }

  @MessagePattern(TelemetryPattern.Watch)
  @AllowPeers(READERS)
  watch(@Payload() { deviceId }: WatchQueryDto): Observable<StoredReading> {
    return this.telemetry.watch(deviceId);
  }

  @MessagePattern(TelemetryPattern.Forget)
  @AllowPeers({ roles: Role.Admin })
  forget(@Payload() { deviceId }: ForgetQueryDto): ForgetAnswer {
    return { forgotten: this.telemetry.forget(deviceId) };
  }
}
