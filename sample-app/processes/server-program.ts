import { type INestApplicationContext, type LogLevel, ShutdownSignal } from '@nestjs/common';
import { announce } from './announcement.js';

/** Start-up failures are left to {@link runProgram}, and the log to what needs attention. */
export const APPLICATION_OPTIONS: { readonly abortOnError: false; readonly logger: LogLevel[] } = {
  abortOnError: false,
  logger: ['warn', 'error', 'fatal'],
};

/** Runs a program that ends with exit code 1 and a message when it cannot start. */
export async function runProgram(start: () => Promise<void>): Promise<void> {
  try {
    await start();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

/**
 * Starts an application that serves until SIGINT or SIGTERM, and then ends with exit code 0 once it has shut down.
 *
 * @param listen resolves with the endpoints at which the application can be reached
 */
export async function serve(app: INestApplicationContext, listen: () => Promise<readonly string[]>): Promise<void> {
  app.enableShutdownHooks([ShutdownSignal.SIGINT, ShutdownSignal.SIGTERM], { useProcessExit: true });
  stopWithParent();
  try {
    const endpoints = await listen();
    endpoints.forEach(announce);
  } catch (error) {
    await app.close();
    throw error;
  }
}

/** A server started by another program must not outlive it and keep the port. */
function stopWithParent(): void {
  process.once('disconnect', () => process.kill(process.pid, ShutdownSignal.SIGTERM));
  // The listener alone would keep a process alive that has nothing left to do.
  process.channel?.unref();
}
