import { ZmqException } from '../../lib/errors/zmq.exception.js';

/** The exception that `action` throws; fails the test if it throws none, or something else. */
export function refusalOf(action: () => unknown): ZmqException {
  try {
    action();
  } catch (error) {
    if (error instanceof ZmqException) {
      return error;
    }
    throw error;
  }
  throw new Error('Nothing was refused');
}
