import { readCommand } from '../zmtp/command.js';
import { encodePong, readError, readPing } from '../zmtp/commands.js';
import { ZmtpRefusal } from '../zmtp/refusal.js';
import { ServerError } from './client-losses.js';

/** Commands without a meaning here that may come between two messages. */
const MAX_UNKNOWN = 100;

/** Answers the commands that a server sends after the handshake. */
export class ClientCommands {
  private unknown = 0;

  constructor(private readonly write: (bytes: Buffer) => void) {}

  /** A message has come. */
  messageCame(): void {
    this.unknown = 0;
  }

  /** Takes the body of a command, and gives what ends the connection. */
  take(body: Buffer): ZmtpRefusal | ServerError | undefined {
    const command = readCommand(body);
    if (command instanceof ZmtpRefusal) {
      return command;
    }
    const { name, data } = command;
    switch (name) {
      case 'PING':
        return this.ping(data);
      case 'PONG':
      // Whoever publishes everything has no use for subscriptions; others are not sent any.
      case 'SUBSCRIBE':
      case 'CANCEL':
        return undefined;
      case 'READY':
        return new ZmtpRefusal('unexpected-command');
      case 'ERROR': {
        const reason = readError(data);
        return reason instanceof ZmtpRefusal ? reason : new ServerError(reason);
      }
      default:
        return ++this.unknown > MAX_UNKNOWN ? new ZmtpRefusal('unexpected-command', MAX_UNKNOWN) : undefined;
    }
  }

  private ping(data: Buffer): ZmtpRefusal | undefined {
    const ping = readPing(data);
    if (ping instanceof ZmtpRefusal) {
      return ping;
    }
    this.write(encodePong(ping.context));
    return undefined;
  }
}
