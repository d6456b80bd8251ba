import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Whether nothing refers to the object any more. */
export async function isCollected(reference: WeakRef<object>): Promise<boolean> {
  // A WeakRef keeps its object until the turn in which it was made or looked at is over.
  await setImmediate();
  collect();
  return reference.deref() === undefined;
}
