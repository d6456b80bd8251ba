import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { PeerUsage } from '../../../lib/limits/peer-usage.js';
import { Intake, type Job, type JobOwner, type Step } from '../../../lib/server/intake.js';

function setUp() {
  const calls: string[] = [];
  const intake = new Intake({ pause: () => calls.push('pause'), resume: () => calls.push('resume') });
  return { intake, calls };
}

/** A sender whose engine can only stop reading from all. */
const anybody: JobOwner = { usage: new PeerUsage(), hold: () => false, letGo: () => undefined };
const ofAnybody = { owner: anybody, bytes: 10 };

function jobOf(...steps: readonly (Step | (() => Step))[]): Job & { taken: number } {
  const job = {
    ...ofAnybody,
    taken: 0,
    step(): Step {
      const step = steps[job.taken++] ?? 'end';
      return typeof step === 'function' ? step() : step;
    },
  };
  return job;
}

describe('Intake', () => {
  it('works off jobs at once and in order', () => {
    const { intake, calls } = setUp();
    const order: string[] = [];
    const job = (name: string) =>
      jobOf(
        () => (order.push(`${name}1`), 'next'),
        () => (order.push(`${name}2`), 'end'),
      );
    intake.add(job('a'));
    intake.add(job('b'));
    expect([order, calls]).toEqual([['a1', 'a2', 'b1', 'b2'], []]);
  });

  it('pauses reading while a job waits, keeps what comes behind it, and resumes after all of it', () => {
    const { intake, calls } = setUp();
    let room = false;
    const order: string[] = [];
    intake.add({ ...ofAnybody, step: () => (room ? (order.push('first'), 'end') : 'wait') });
    intake.add(jobOf(() => (order.push('second'), 'end')));
    intake.work();
    expect([order, calls, intake.isPaused]).toEqual([[], ['pause'], true]);
    room = true;
    intake.work();
    expect([order, calls, intake.isPaused]).toEqual([['first', 'second'], ['pause', 'resume'], false]);
  });

  it('stays paused while the next job waits as well', () => {
    const { intake, calls } = setUp();
    const first = jobOf('wait', 'end');
    intake.add(first);
    intake.add(jobOf('wait', 'end'));
    intake.work();
    expect(calls).toEqual(['pause']);
    intake.work();
    expect(calls).toEqual(['pause', 'resume']);
  });

  it('keeps the order when a job asks for more work or adds another one', () => {
    const { intake } = setUp();
    const order: string[] = [];
    intake.add(
      jobOf(() => {
        intake.add(jobOf(() => (order.push('added'), 'end')));
        intake.work();
        order.push('adding');
        return 'end';
      }),
    );
    expect(order).toEqual(['adding', 'added']);
  });

  it('gives the event loop turns during a long job, without reading more between them', async () => {
    const { intake, calls } = setUp();
    const STEPS = 3_000;
    let done = 0;
    intake.add({
      ...ofAnybody,
      owner: { ...anybody, usage: new PeerUsage() },
      step: () => {
        const until = performance.now() + 0.01;
        while (performance.now() < until) {
          // Takes its time.
        }
        return ++done === STEPS ? 'end' : 'next';
      },
    });
    let turns = 0;
    for (; done < STEPS; turns++) {
      await turn();
      // What is left when the event loop turns is not to grow meanwhile.
      expect(intake.isPaused).toBe(done < STEPS);
    }
    expect(turns).toBeGreaterThan(2);
    expect(calls).toEqual(['pause', 'resume']);
  });

  it('reads others again while one sender, held by itself, waits on', () => {
    const { intake, calls } = setUp();
    const holdable = (): JobOwner => ({ usage: new PeerUsage(), hold: () => true, letGo: () => undefined });
    let room = false;
    intake.add({ owner: holdable(), bytes: 10, step: () => 'hold' });
    intake.add({ owner: holdable(), bytes: 10, step: () => (room ? 'end' : 'wait') });
    expect(calls).toEqual(['pause']);
    room = true;
    intake.work();
    expect([calls, intake.isPaused]).toEqual([['pause', 'resume'], false]);
  });

  it('forgets all jobs when it is cleared', () => {
    const { intake } = setUp();
    const job = jobOf('wait', 'end');
    intake.add(job);
    intake.clear();
    intake.work();
    expect(job.taken).toBe(1);
  });
});
