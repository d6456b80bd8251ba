import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { ReadingDto } from './dto/reading.dto.js';
import { StatsQueryDto } from './dto/stats-query.dto.js';
import { WatchQueryDto } from './dto/watch-query.dto.js';
import type { StoredReading } from './reading.js';
import { type DeviceStatistics, type IngestAnswer, TelemetryPattern } from './telemetry.patterns.js';
import { TelemetryService } from './telemetry.service.js';

@Controller()
export class TelemetryController {
  constructor(private readonly telemetry: TelemetryService) {}

  @MessagePattern(TelemetryPattern.Ingest)
  ingest(@Payload() reading: ReadingDto): IngestAnswer {
    this.telemetry.store(reading);
    return { stored: true };
  }

  @EventPattern(TelemetryPattern.Reading)
  reading(@Payload() reading: ReadingDto): void {
    this.telemetry.store(reading);
  }

  @MessagePattern(TelemetryPattern.Stats)
  stats(@Payload() { deviceId, metric }: StatsQueryDto): DeviceStatistics {
    return this.telemetry.statistics(deviceId, metric);
  }

  @MessagePattern(TelemetryPattern.Watch)
  watch(@Payload() { deviceId }: WatchQueryDto): Observable<StoredReading> {
    return this.telemetry.watch(deviceId);
  }
}
