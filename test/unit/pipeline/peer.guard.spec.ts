import 'reflect-metadata';
import { Injectable, type ExecutionContext, type Type } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { MessagePattern, RpcException } from '@nestjs/microservices';
import { describe, expect, it } from 'vitest';
import { AllowPeers } from '../../../lib/pipeline/allow-peers.decorator.js';
import { PeerGuard } from '../../../lib/pipeline/peer.guard.js';
import { ZmqContext, type ZmqPeer } from '../../../lib/pipeline/zmq.context.js';

@AllowPeers({ roles: 'operator' })
class GuardedController {
  @MessagePattern('a')
  ofClass(): void {}

  @AllowPeers({ identities: 'press-7' })
  @MessagePattern('b')
  ofMethod(): void {}

  @AllowPeers('anyone')
  @MessagePattern('c')
  open(): void {}
}

@AllowPeers({ roles: 'auditor' })
class HeirController extends GuardedController {}

class OpenController {
  @MessagePattern('d')
  method(): void {}
}

const OPERATOR: ZmqPeer = { id: '1', roles: ['operator'] };
const PRESS: ZmqPeer = { id: '2', identity: 'press-7' };
const NOBODY: ZmqPeer = { id: '3' };

/** Lets in whoever is on shift, of those whom decorators let in; nobody at all where it is told to fail. */
@Injectable()
class ShiftGuard extends PeerGuard {
  readonly asked: unknown[] = [];
  onShift: ReadonlySet<string> = new Set();

  protected override async isAllowed(
    peer: ZmqPeer,
    context: ZmqContext,
    execution: ExecutionContext,
  ): Promise<boolean> {
    this.asked.push([peer.id, context.getPattern(), execution.getHandler().name]);
    return (await super.isAllowed(peer, context, execution)) && this.onShift.has(peer.id);
  }
}

function contextOf(peer: ZmqPeer): ZmqContext {
  return new ZmqContext({ pattern: 'p', metadata: undefined, peer, deadline: undefined });
}

function execution(type: Type, name: string, context: unknown): ExecutionContext {
  const method = (type.prototype as Record<string, () => unknown>)[name] as () => unknown;
  return new ExecutionContextHost([{}, context], type, method);
}

/** What the guard says about a sender: true, false, or what it throws. */
async function verdict(type: Type, name: string, context: unknown, guard = new PeerGuard()): Promise<unknown> {
  try {
    return await guard.canActivate(execution(type, name, context));
  } catch (error) {
    return error instanceof RpcException ? error.getError() : error;
  }
}

const REFUSED = { code: 'FORBIDDEN', message: 'Not allowed.' };

describe('PeerGuard', () => {
  it.each<[name: string, expected: unknown[]]>([
    ['ofClass', [true, REFUSED, REFUSED]],
    ['ofMethod', [REFUSED, true, REFUSED]],
    ['open', [true, true, true]],
  ])('keeps the rules of a method, or else of its class: %s', async (name, expected) => {
    const peers = [OPERATOR, PRESS, NOBODY];
    expect(await Promise.all(peers.map(peer => verdict(GuardedController, name, contextOf(peer))))).toEqual(expected);
  });

  it('tells a method from the same one in a class that inherits it', async () => {
    const auditor = contextOf({ id: '4', roles: ['auditor'] });
    expect(await verdict(GuardedController, 'ofClass', auditor)).toEqual(REFUSED);
    expect(await verdict(HeirController, 'ofClass', auditor)).toBe(true);
    expect(await verdict(HeirController, 'ofClass', contextOf(OPERATOR))).toEqual(REFUSED);
  });

  it('lets everybody in where nothing is said', async () => {
    expect(await verdict(OpenController, 'method', contextOf(NOBODY))).toBe(true);
  });

  it('asks a subclass, which may ask it in turn', async () => {
    const guard = new ShiftGuard();
    guard.onShift = new Set(['1', '3']);
    expect(await verdict(GuardedController, 'ofClass', contextOf(OPERATOR), guard)).toBe(true);
    expect(await verdict(GuardedController, 'ofClass', contextOf(NOBODY), guard)).toEqual(REFUSED);
    expect(await verdict(OpenController, 'method', contextOf(PRESS), guard)).toEqual(REFUSED);
    expect(guard.asked).toEqual([
      ['1', 'p', 'ofClass'],
      ['3', 'p', 'ofClass'],
      ['2', 'p', 'method'],
    ]);
  });

  it('has a refusal booked, and nothing else', async () => {
    const booked: unknown[] = [];
    const context = contextOf(NOBODY);
    context.onDenied = each => booked.push(each);
    await verdict(GuardedController, 'open', context);
    expect(booked).toEqual([]);
    await verdict(GuardedController, 'ofClass', context);
    expect(booked).toEqual([context]);
  });

  it('lets whoever did not come through ZeroMQ in only where anyone is', async () => {
    const guard = new ShiftGuard();
    const http = { statusCode: 200 };
    for (const context of [http, undefined]) {
      expect(await verdict(GuardedController, 'ofClass', context, guard)).toBe(false);
      expect(await verdict(GuardedController, 'open', context, guard)).toBe(true);
      expect(await verdict(OpenController, 'method', context, guard)).toBe(true);
    }
    expect(guard.asked).toEqual([]);
  });
});
