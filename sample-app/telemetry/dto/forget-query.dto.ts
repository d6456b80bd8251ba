import { IsDeviceId } from './is-device-id.decorator.js';

export class ForgetQueryDto {
  @IsDeviceId()
  readonly deviceId!: string;
}
