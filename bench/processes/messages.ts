import { errorText } from '../error-text.js';
import type { EventLoad, RequestLoad, StreamLoad } from '../load/loads.js';

/** What the bench asks of a server or client process. The answer to each is the result of the same name. */
export type Task =
  | {
      readonly task: 'serve';
      readonly peer: string;
      readonly port: number;
      readonly kind: 'request' | 'event' | 'stream';
    }
  | { readonly task: 'connect'; readonly peer: string; readonly port: number }
  | { readonly task: 'requests'; readonly load: RequestLoad }
  | { readonly task: 'events'; readonly load: EventLoad }
  | { readonly task: 'stream'; readonly load: StreamLoad }
  /** Waits until the server has received so many events. */
  | { readonly task: 'settle'; readonly expected: number }
  | { readonly task: 'usage' };

export interface Usage {
  readonly cpuUs: number;
  readonly rssBytes: number;
}

export interface Reply {
  readonly result?: unknown;
  readonly error?: string;
}

/** Serves the tasks of the parent process, one at a time, and ends with it. */
export function serveTasks(perform: (task: Task) => Promise<unknown>): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', (task: Task) => {
    void perform(task).then(
      result => process.send?.({ result } satisfies Reply),
      (error: unknown) => process.send?.({ error: errorText(error) } satisfies Reply),
    );
  });
}

export function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuUs: user + system, rssBytes: process.memoryUsage.rss() };
}

/** A peer's module is loaded only where it runs, so that no process carries another peer's code. */
export function peerModule(name: string): string {
  return new URL(`../peers/${name}.js`, import.meta.url).href;
}
