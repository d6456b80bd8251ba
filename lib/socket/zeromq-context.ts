import { Context } from 'zeromq';

const contexts = new Map<number, Context>();

/**
 * The ZeroMQ context for a number of I/O threads, at most 64 in a process. Contexts of our own leave the settings of
 * the application's default context alone, and `blocky: false` keeps an unsent message from hanging the process at exit.
 */
export function zeromqContext(ioThreads: number): Context {
  let context = contexts.get(ioThreads);
  if (context === undefined) {
    context = new Context({ blocky: false, ioThreads });
    contexts.set(ioThreads, context);
  }
  return context;
}
