import 'reflect-metadata';
import type { ArgumentMetadata } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { Type } from 'class-transformer';
import { Allow, IsArray, IsInt, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { expect } from 'vitest';
import type { ZmqValidationOptions } from '../../lib/pipeline/validation-options.js';
import { ZmqValidationPipe } from '../../lib/pipeline/zmq-validation.pipe.js';

export class ItemDto {
  @IsInt()
  amount!: number;
}

export class OrderDto {
  @IsString()
  name!: string;

  @IsOptional()
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => ItemDto)
  items?: ItemDto[];

  @IsOptional()
  @Allow()
  more?: unknown;
}

export class SlowDto {
  @Matches(/^(a+)+$/)
  text!: string;
}

export class NoRules {
  a!: number;
}

export const body = (metatype: ArgumentMetadata['metatype'], data?: string): ArgumentMetadata => ({
  type: 'body',
  metatype,
  ...(data !== undefined && { data }),
});

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly details?: { readonly fields: readonly Record<string, unknown>[]; readonly omitted: number };
}

/** What the caller gets to see of the refusal; fails if there is none. */
export async function failureOf(running: Promise<unknown>): Promise<Failure> {
  const error = await running.then(
    value => new Error(`Not refused, but ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RpcException);
  return (error as RpcException).getError() as Failure;
}

export function run(value: unknown, options?: ZmqValidationOptions, metadata = body(OrderDto)): Promise<unknown> {
  return new ZmqValidationPipe(options).transform(value, metadata);
}

export const pathsOf = ({ details }: Failure) => details?.fields.map(({ path }) => path);
