import { IsIn, IsNumber, IsOptional } from 'class-validator';
import { IsIsoDate } from '../../validation/is-iso-date.decorator.js';
import { METRICS, type Metric, type Reading } from '../reading.js';
import { IsDeviceId } from './is-device-id.decorator.js';

export class ReadingDto implements Reading {
  @IsDeviceId()
  readonly deviceId!: string;

  @IsIn(METRICS)
  readonly metric!: Metric;

  @IsNumber({ allowNaN: false, allowInfinity: false }, { message: '$property must be a finite number' })
  readonly value!: number;

  @IsOptional()
  @IsIsoDate()
  readonly at?: string;
}
