import { Body, Controller, Inject, Post } from '@nestjs/common';
import type { ClientZmq } from 'nestjs-zeromq';
import type { Observable } from 'rxjs';
import { readingRecord } from '../telemetry/reading-record.js';
import { type IngestAnswer, TelemetryPattern } from '../telemetry/telemetry.patterns.js';
import { SERVICE } from './service.tokens.js';

@Controller('readings')
export class ReadingsHttpController {
  constructor(@Inject(SERVICE) private readonly service: ClientZmq) {}

  /** The service validates what it stores, so the body is passed on as it came. */
  @Post()
  create(@Body() reading: unknown = {}): Observable<IngestAnswer> {
    return this.service.send(TelemetryPattern.Ingest, readingRecord(reading));
  }
}
