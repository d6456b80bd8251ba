import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Intake, type Job, type Step } from '../../../lib/server/intake.js';

function setUp() {
  const calls: string[] = [];
  const intake = new Intake({ pause: () => calls.push('pause'), resume: () => calls.push('resume') });
  return { intake, calls };
}

function jobOf(...steps: readonly (Step | (() => Step))[]): Job & { taken: number } {
  const job = {
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
    intake.add({ step: () => (room ? (order.push('first'), 'end') : 'wait') });
    intake.add(jobOf(() => (order.push('second'), 'end')));
    intake.work();
    expect([order, calls, intake.isPaused]).toEqual([[], ['pause'], true]);
    room = true;
    intake.work();
    expect([order, calls, intake.isPaused]).toEqual([['first', 'second'], ['pause', 'resume'], false]);
  });

  it('stays paused while the next job waits as well', () => {
    const { intake, calls } = setUp();
    const first = jobOf('wait', 'wait', 'end');
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

  it('gives the event loop a turn during a long job, without reading more meanwhile', async () => {
    const { intake, calls } = setUp();
    const steps = 1_000_000;
    let done = 0;
    intake.add({
      step: () => {
        const until = performance.now() + 0.01;
        while (performance.now() < until) {
          // Takes its time.
        }
        return ++done === 3_000 ? 'end' : 'next';
      },
    });
    expect(done).toBeLessThan(steps);
    expect([done < 3_000, calls]).toEqual([true, ['pause']]);
    const before = done;
    intake.work();
    expect(done).toBe(before);
    while (intake.isPaused) {
      await turn();
    }
    expect([done, calls]).toEqual([3_000, ['pause', 'resume']]);
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
