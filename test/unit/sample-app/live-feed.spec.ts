import { RpcException } from '@nestjs/microservices';
import { describe, expect, it } from 'vitest';
import { LiveFeed } from '../../../sample-app/telemetry/live-feed.js';
import type { StoredReading } from '../../../sample-app/telemetry/reading.js';

const reading = (value: number): StoredReading => ({ deviceId: 'a', metric: 'wind', value, at: '2012-01-01' });

/** Subscribes and notes everything that happens. */
function watch(feed: LiveFeed, lastKnown: StoredReading[] = []) {
  const seen = { values: [] as number[], error: undefined as unknown, completed: false };
  const subscription = feed
    .watch(() => lastKnown)
    .subscribe({
      next: ({ value }) => seen.values.push(value),
      error: (error: unknown) => (seen.error = error),
      complete: () => (seen.completed = true),
    });
  return { seen, subscription };
}

describe('LiveFeed', () => {
  it('emits the last known readings first, then live ones', () => {
    const feed = new LiveFeed({ maxWatchers: 1 });
    feed.publish(reading(0));
    const { seen } = watch(feed, [reading(1), reading(2)]);
    feed.publish(reading(3));

    expect(seen.values).toEqual([1, 2, 3]);
  });

  it('refuses one watcher too many and has room again when one leaves', () => {
    const feed = new LiveFeed({ maxWatchers: 2 });
    const first = watch(feed);
    const second = watch(feed);
    const refused = watch(feed);

    expect(refused.seen.error).toBeInstanceOf(RpcException);
    expect((refused.seen.error as RpcException).getError()).toMatchObject({
      code: 'OVERLOADED',
      details: { limit: 2 },
    });

    first.subscription.unsubscribe();
    const third = watch(feed);
    feed.publish(reading(7));
    expect(third.seen).toEqual({ values: [7], error: undefined, completed: false });
    expect(second.seen.values).toEqual([7]);
    expect(first.seen.values).toEqual([]);
  });

  it('completes its streams when it closes, and those of later watchers after the last known readings', () => {
    const feed = new LiveFeed({ maxWatchers: 2 });
    const { seen } = watch(feed);
    feed.close();

    expect(seen.completed).toBe(true);
    expect(watch(feed, [reading(1)]).seen).toEqual({ values: [1], error: undefined, completed: true });
  });
});
