import { IsIn, IsOptional } from 'class-validator';
import { METRICS, type Metric } from '../reading.js';
import { IsDeviceId } from './is-device-id.decorator.js';

export class StatsQueryDto {
  @IsDeviceId()
  readonly deviceId!: string;

  /** All metrics of the device if absent. */
  @IsOptional()
  @IsIn(METRICS)
  readonly metric?: Metric;
}
