import { encodeCommand, type Command } from './command.js';
import { encodeFrame } from './frame-header.js';

/** What a subscriber asks of its publisher. */
export interface Subscription {
  readonly kind: 'subscribe' | 'cancel';
  /** What the messages begin with; empty for all. A view into the frame's body. */
  readonly topic: Buffer;
}

/** `command` for peers of ZMTP 3.1 (RFC 37), `message` for those of ZMTP 3.0 (RFC 23). */
export type SubscriptionForm = 'command' | 'message';

const CANCEL_MARK = 0x00;
const SUBSCRIBE_MARK = 0x01;
/** A message of one frame. */
const NO_FLAGS = 0;

/** SUBSCRIBE and CANCEL of ZMTP 3.1 (RFC 37); `undefined` for every other command. */
export function subscriptionOfCommand(command: Command): Subscription | undefined {
  switch (command.name) {
    case 'SUBSCRIBE':
      return { kind: 'subscribe', topic: command.data };
    case 'CANCEL':
      return { kind: 'cancel', topic: command.data };
    default:
      return undefined;
  }
}

/** The message that is a subscription in ZMTP 3.0: its first byte tells which (RFC 23). `undefined` for every other one. */
export function subscriptionOfMessage(body: Buffer): Subscription | undefined {
  switch (body[0]) {
    case SUBSCRIBE_MARK:
      return { kind: 'subscribe', topic: body.subarray(1) };
    case CANCEL_MARK:
      return { kind: 'cancel', topic: body.subarray(1) };
    default:
      return undefined;
  }
}

/** A subscription as a whole frame. */
export function encodeSubscribe(topic: Uint8Array, form: SubscriptionForm): Buffer {
  return form === 'command' ? encodeCommand('SUBSCRIBE', topic) : encodeMarked(SUBSCRIBE_MARK, topic);
}

/** The end of one subscription, as a whole frame: each cancels one, since they are counted (RFC 37). */
export function encodeCancel(topic: Uint8Array, form: SubscriptionForm): Buffer {
  return form === 'command' ? encodeCommand('CANCEL', topic) : encodeMarked(CANCEL_MARK, topic);
}

function encodeMarked(mark: number, topic: Uint8Array): Buffer {
  return encodeFrame(NO_FLAGS, Buffer.concat([Buffer.of(mark), topic]));
}
