interface Flushable {
  flush(): void;
}

let due: Flushable[] = [];
let scheduled = false;

/**
 * Runs `outbox.flush()` when everything that is ready to run now has run: after the promises that are already settled,
 * before the event loop turns. A single reply leaves without delay; the replies to a batch leave together.
 */
export function scheduleFlush(outbox: Flushable): void {
  due.push(outbox);
  if (!scheduled) {
    scheduled = true;
    // A tick asked for inside a microtask runs once all microtasks are done, even those that they add.
    queueMicrotask(tickThenFlush);
  }
}

function tickThenFlush(): void {
  process.nextTick(flushAll);
}

function flushAll(): void {
  const outboxes = due;
  due = [];
  scheduled = false;
  const failures: unknown[] = [];
  for (const outbox of outboxes) {
    try {
      outbox.flush();
    } catch (error) {
      failures.push(error);
    }
  }
  // Only once the others have had their turn.
  if (failures.length > 0) {
    throw failures[0];
  }
}
