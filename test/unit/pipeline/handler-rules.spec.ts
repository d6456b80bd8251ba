import 'reflect-metadata';
import { MessagePattern } from '@nestjs/microservices';
import { PATTERN_EXTRAS_METADATA } from '@nestjs/microservices/constants.js';
import { describe, expect, it } from 'vitest';
import { Concurrency, Priority } from '../../../lib/pipeline/concurrency.decorator.js';
import { HANDLER_RULES, layered, rulesOf } from '../../../lib/pipeline/handler-rules.js';
import { MaxMessageSize, MaxResponseSize } from '../../../lib/pipeline/max-message-size.decorator.js';
import { RateLimit, SkipRateLimit } from '../../../lib/pipeline/rate-limit.decorator.js';

@MaxMessageSize(1_000, { onViolation: 'discard' })
@RateLimit({ points: 1 })
@Priority('critical')
class Base {
  @MessagePattern('inherited')
  inherited(): void {}

  @MessagePattern('own')
  @MaxMessageSize(10)
  @MaxResponseSize(100)
  own(): void {}

  @MessagePattern('rated')
  @RateLimit({ points: 2 })
  @RateLimit({ points: 3, name: 'third' }, { points: 4 })
  rated(): void {}

  @MessagePattern('skipped')
  @SkipRateLimit()
  skipped(): void {}
}

@MaxMessageSize(500)
class Heir extends Base {}

@SkipRateLimit()
class Free extends Base {}

class Bare extends Base {}

class Untouched {
  @MessagePattern('x', { extra: 1 })
  method(): void {}
}

const of = (type: { readonly prototype: object }, name: string) =>
  rulesOf(type, (type.prototype as Record<string, object>)[name] as object);

const points = (type: { readonly prototype: object }, name: string) =>
  of(type, name)?.rateLimit?.map(rule => rule.points);

describe('rulesOf()', () => {
  it('puts what a method says before what its class says', () => {
    expect(of(Base, 'own')).toMatchObject({
      maxMessageSize: 10,
      onViolation: 'discard',
      maxResponseSize: 100,
      priority: 'critical',
    });
    expect(of(Base, 'inherited')).toMatchObject({ maxMessageSize: 1_000 });
  });

  it('adds what a class says to what those say that it extends', () => {
    expect(of(Heir, 'inherited')).toMatchObject({ maxMessageSize: 500, onViolation: 'discard', priority: 'critical' });
    expect(points(Heir, 'inherited')).toEqual([1]);
    expect(of(Heir, 'own')).toMatchObject({ maxMessageSize: 10 });
    expect(of(Bare, 'inherited')).toEqual(of(Base, 'inherited'));
  });

  it('leaves the class alone that is extended', () => {
    expect(of(Base, 'inherited')).toMatchObject({ maxMessageSize: 1_000 });
    expect(of(Base, 'inherited')).not.toHaveProperty('skipRateLimit');
  });

  it('keeps rates in the order in which they are written', () => {
    expect(points(Base, 'rated')).toEqual([2, 3, 4]);
  });

  it('frees of rates whoever skips them, but not a method that has its own', () => {
    expect(of(Base, 'skipped')).toMatchObject({ skipRateLimit: true });
    expect(of(Free, 'inherited')).toMatchObject({ skipRateLimit: true });
    expect(of(Free, 'rated')).not.toHaveProperty('skipRateLimit');
    expect(points(Free, 'rated')).toEqual([2, 3, 4]);
  });

  it('knows nothing of what says nothing', () => {
    expect(of(Untouched, 'method')).toBeUndefined();
  });
});

describe('layered()', () => {
  it('puts the later before the earlier', () => {
    expect(layered({ maxMessageSize: 1, priority: 'critical' }, undefined, { maxMessageSize: 2 })).toEqual({
      maxMessageSize: 2,
      priority: 'critical',
    });
    expect(layered()).toEqual({});
  });
});

describe('the mark of decorators', () => {
  const marked = (type: { readonly prototype: object }, name: string) => {
    const method = (type.prototype as Record<string, object>)[name] as object;
    return Reflect.getMetadata(PATTERN_EXTRAS_METADATA, method) as Record<string | symbol, unknown>;
  };

  it('is on methods with limits, whatever the order of their decorators, and on those of classes with limits', () => {
    class Orders {
      @Concurrency(1)
      @MessagePattern('above', { extra: 1 })
      above(): void {}

      @MessagePattern('below', { extra: 2 })
      @Concurrency(1)
      below(): void {}
    }
    expect(marked(Orders, 'above')).toEqual({ extra: 1, [HANDLER_RULES]: true });
    expect(marked(Orders, 'below')).toEqual({ extra: 2, [HANDLER_RULES]: true });
    expect(marked(Base, 'inherited')[HANDLER_RULES]).toBe(true);
    expect(marked(Untouched, 'method')).toEqual({ extra: 1 });
  });

  it('is on handlers that a class with limits inherits', () => {
    class Parent {
      @MessagePattern('x')
      method(): void {}
    }
    @MaxMessageSize(10)
    class Child extends Parent {}
    expect(marked(Child, 'method')[HANDLER_RULES]).toBe(true);
  });
});
