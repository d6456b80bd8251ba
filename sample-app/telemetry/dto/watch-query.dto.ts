import { IsOptional } from 'class-validator';
import { IsDeviceId } from './is-device-id.decorator.js';

export class WatchQueryDto {
  /** All devices if absent. */
  @IsOptional()
  @IsDeviceId()
  readonly deviceId?: string;
}
