import { setMaxListeners } from 'node:events';

/**
 * A controller that also aborts with `signal`. Whoever is done with it aborts it, so that `signal` is let go of. `AbortSignal.any()` and `AbortSignal.timeout()` would say it shorter, but
 * in Node 20 their signals may be collected before they abort.
 */
export function stopSwitch(signal?: AbortSignal): AbortController {
  const controller = new AbortController();
  // Every connection and pause of an attack listens to it.
  setMaxListeners(0, controller.signal);
  if (signal?.aborted === true) {
    controller.abort();
  } else {
    signal?.addEventListener('abort', () => controller.abort(), { once: true, signal: controller.signal });
  }
  return controller;
}
