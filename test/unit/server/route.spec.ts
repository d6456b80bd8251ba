import { describe, expect, it } from 'vitest';
import { NO_ROUTE_LIMITS, Route } from '../../../lib/server/route.js';

const HANDLER = () => Promise.resolve(undefined as never);

function createRoute(limit: number, queue: number): Route {
  const route = new Route('work', HANDLER);
  limitTo(route, limit, queue);
  return route;
}

function limitTo(route: Route, limit: number, queue: number): void {
  route.limits = { ...NO_ROUTE_LIMITS, concurrency: { limit, queue }, isPlain: false };
}

/** Work that notes its start, and may be over at once. */
function createWork(route: Route) {
  const started: number[] = [];
  const work = (id: number, isOverAtOnce = false) => ({
    start: () => {
      started.push(id);
      if (isOverAtOnce) {
        route.leave();
      }
    },
  });
  return { started, work };
}

describe('the places of a handler', () => {
  it('are taken at once while there are any, and then in the order of arrival', () => {
    const route = createRoute(2, 10);
    const { started, work } = createWork(route);
    for (const id of [1, 2, 3, 4, 5]) {
      route.enter(work(id));
    }
    expect([started, route.stats]).toMatchObject([[1, 2], { running: 2, waiting: 3, mostWaiting: 3 }]);
    route.leave();
    route.leave();
    expect([started, route.stats]).toMatchObject([[1, 2, 3, 4], { running: 2, waiting: 1, mostWaiting: 3 }]);
  });

  it('are all free for a handler without a limit', () => {
    const route = new Route('work', HANDLER);
    const { started, work } = createWork(route);
    for (let id = 0; id < 1_000; id++) {
      route.enter(work(id));
    }
    expect([started.length, route.isFull, route.stats]).toMatchObject([1_000, false, { running: 1_000, waiting: 0 }]);
  });

  it('are full when all are taken, and all room to wait', () => {
    const route = createRoute(1, 1);
    const { work } = createWork(route);
    expect(route.isFull).toBe(false);
    route.enter(work(1));
    expect(route.isFull).toBe(false);
    route.enter(work(2));
    expect(route.isFull).toBe(true);
    route.leave();
    expect(route.isFull).toBe(false);
  });

  it('are full without a queue as soon as all are taken', () => {
    const route = createRoute(1, 0);
    route.enter(createWork(route).work(1));
    expect(route.isFull).toBe(true);
  });

  it('are not taken by who has left the queue', () => {
    const route = createRoute(1, 10);
    const { started, work } = createWork(route);
    const third = work(3);
    route.enter(work(1));
    route.enter(work(2));
    route.enter(third);
    expect([route.withdraw(third), route.withdraw(third)]).toEqual([true, false]);
    route.leave();
    route.leave();
    expect([started, route.stats]).toMatchObject([[1, 2], { running: 0, waiting: 0 }]);
  });

  it('go through a queue of 100,000 that are over at once without a stack of that depth', () => {
    const route = createRoute(1, 200_000);
    const { started, work } = createWork(route);
    route.enter(work(-1));
    for (let id = 0; id < 100_000; id++) {
      route.enter(work(id, true));
    }
    route.leave();
    expect([started.length, route.stats]).toMatchObject([100_001, { running: 0, waiting: 0, mostWaiting: 100_000 }]);
    expect(started.slice(0, 3)).toEqual([-1, 0, 1]);
  });

  it('are not taken by what arrives while the queue moves up', () => {
    const route = createRoute(1, 10);
    const { started, work } = createWork(route);
    route.enter(work(1));
    // Its end lets in another message, as it does where work waits outside.
    route.enter({
      start: () => {
        started.push(2);
        route.leave();
        route.enter(work(4));
      },
    });
    route.enter(work(3));
    route.leave();
    expect([started, route.stats]).toMatchObject([[1, 2, 3], { running: 1, waiting: 1 }]);
    route.leave();
    expect(started).toEqual([1, 2, 3, 4]);
  });

  it('become more while it runs', () => {
    const route = createRoute(1, 10);
    const { started, work } = createWork(route);
    for (const id of [1, 2, 3, 4]) {
      route.enter(work(id));
    }
    limitTo(route, 3, 10);
    route.startWaiting();
    expect(started).toEqual([1, 2, 3]);
  });

  it('become fewer as work finishes, and its queue keeps its length meanwhile', () => {
    const route = createRoute(3, 2);
    const { started, work } = createWork(route);
    for (const id of [1, 2, 3]) {
      route.enter(work(id));
    }
    limitTo(route, 1, 2);
    expect(route.isFull).toBe(false);
    route.enter(work(4));
    route.enter(work(5));
    expect(route.isFull).toBe(true);
    route.leave();
    route.leave();
    expect(started).toEqual([1, 2, 3]);
    route.leave();
    expect(started).toEqual([1, 2, 3, 4]);
  });

  it('are given to nobody after the queue was dropped', () => {
    const route = createRoute(1, 10);
    const { started, work } = createWork(route);
    route.enter(work(1));
    route.enter(work(2));
    route.clear();
    route.leave();
    expect([started, route.stats]).toMatchObject([[1], { running: 0, waiting: 0 }]);
  });
});
