import {
  Controller,
  createParamDecorator,
  ParseArrayPipe,
  ParseIntPipe,
  type ArgumentMetadata,
  type ExecutionContext,
  type INestMicroservice,
  type PipeTransform,
  type Type as Class,
} from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { Type } from 'class-transformer';
import { IsArray, IsInt, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { ZmqContext, ZmqException, type ClientZmq, type ZmqServerOptions } from 'nestjs-zeromq';
import { firstValueFrom } from 'rxjs';
import { expect } from 'vitest';
import { ZmqValidationPipe } from '../../lib/pipeline/zmq-validation.pipe.js';
import { connectClient, startApp, type ZmqApp } from './zmq-app.js';

class ItemDto {
  @IsInt()
  amount!: number;
}

export class OrderDto {
  @IsString()
  @Matches(/^(a+)+$/)
  name!: string;

  @IsOptional()
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => ItemDto)
  items?: ItemDto[];
}

const PositiveSchema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) => {
      const { n } = value as { n?: unknown };
      return typeof n === 'number' && n > 0
        ? { value: { n, checked: true } }
        : { issues: [{ message: 'must be positive', path: ['n'] }] };
    },
  },
} satisfies ArgumentMetadata['schema'];

/** A part of the context: the way of an application to its own parameters. */
const Metadata = createParamDecorator((_data: unknown, host: ExecutionContext) =>
  host.switchToRpc().getContext<ZmqContext>().getMetadata(),
);

class TraceDto {
  @IsString()
  trace!: string;
}

/** What handlers were given, in order. */
export const seen: unknown[] = [];

@Controller()
export class OrdersController {
  @MessagePattern('order')
  order(@Payload() order: OrderDto): unknown {
    seen.push(order);
    return { isOrder: order instanceof OrderDto, isItem: order.items?.[0] instanceof ItemDto };
  }

  @MessagePattern('part')
  part(@Payload('order') order: OrderDto, @Ctx() context: ZmqContext): unknown {
    return [order.name, context.getPattern()];
  }

  @EventPattern('ordered')
  ordered(@Payload() order: OrderDto): void {
    seen.push(order);
  }

  @MessagePattern('any')
  any(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('bytes')
  bytes(@Payload() data: Uint8Array): unknown {
    return data.byteLength;
  }

  @MessagePattern('list')
  list(@Payload(new ParseArrayPipe({ items: ItemDto })) items: ItemDto[]): unknown {
    return items.map(item => [item instanceof ItemDto, item.amount]);
  }

  @MessagePattern('number')
  number(@Payload('n', ParseIntPipe) n: number): unknown {
    return n;
  }

  @MessagePattern('schema')
  schema(@Payload({ schema: PositiveSchema }) data: { n: number }): unknown {
    return data;
  }

  @MessagePattern('metadata')
  metadata(@Metadata() trace: TraceDto): unknown {
    return trace ?? 'no metadata';
  }
}

export interface Setup {
  readonly pipes?: readonly PipeTransform[];
  readonly controllers?: readonly Class[];
  readonly server?: ZmqServerOptions;
  readonly configure?: (app: INestMicroservice) => void;
}

export async function start({
  pipes = [new ZmqValidationPipe()],
  controllers,
  server,
  configure,
}: Setup = {}): Promise<ZmqApp> {
  return startApp(controllers ?? [OrdersController], {
    ...(server && { server }),
    configure: app => {
      app.useGlobalPipes(...pipes);
      configure?.(app);
    },
  });
}

export async function clientOf(setup: Setup = {}): Promise<ClientZmq> {
  return connectClient((await start(setup)).endpoint);
}

export function call(client: ClientZmq, pattern: string, data: unknown): Promise<unknown> {
  return firstValueFrom(client.send<unknown>(pattern, data));
}

export async function refusalOf(client: ClientZmq, pattern: string, data: unknown): Promise<ZmqException> {
  const error = await call(client, pattern, data).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ZmqException);
  return error as ZmqException;
}

export const pathsOf = ({ details }: ZmqException) =>
  (details as { fields: { path: string }[] }).fields.map(({ path }) => path);
