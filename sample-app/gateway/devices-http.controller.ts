import {
  Controller,
  Get,
  Inject,
  type MessageEvent,
  Param,
  Query,
  ServiceUnavailableException,
  Sse,
} from '@nestjs/common';
import { type ClientZmq, ZmqRecordBuilder } from 'nestjs-zeromq';
import { map, type Observable } from 'rxjs';
import { SubscriberLimit } from '../limits/subscriber-limit.js';
import type { StoredReading } from '../telemetry/reading.js';
import { type DeviceStatistics, TelemetryPattern } from '../telemetry/telemetry.patterns.js';
import { SERVICE } from './service.tokens.js';

const MAX_EVENT_STREAMS = 100;
/** Characters that may wait for a browser that does not read; beyond that its connection is dropped. */
const MAX_PENDING_EVENTS = 256 * 1024;

@Controller('devices/:id')
export class DevicesHttpController {
  private readonly eventStreams = new SubscriberLimit({
    maxSubscribers: MAX_EVENT_STREAMS,
    refusal: () => new ServiceUnavailableException(`No more than ${MAX_EVENT_STREAMS} event streams at a time`),
  });

  constructor(@Inject(SERVICE) private readonly service: ClientZmq) {}

  @Get('stats')
  stats(@Param('id') deviceId: string, @Query('metric') metric?: string): Observable<DeviceStatistics> {
    return this.service.send(TelemetryPattern.Stats, { deviceId, metric });
  }

  @Sse('watch', { maxPendingDataLength: MAX_PENDING_EVENTS })
  watch(@Param('id') deviceId: string): Observable<MessageEvent> {
    // A device may stay silent for any time, so the stream must not time out before its first reading.
    const query = new ZmqRecordBuilder({ deviceId }).setTimeout(0).build();
    const readings = this.service.send<StoredReading>(TelemetryPattern.Watch, query);
    return this.eventStreams.apply(readings).pipe(map(reading => ({ data: reading })));
  }
}
