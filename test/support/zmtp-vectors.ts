import type { Greeting } from '../../lib/zmtp/greeting.js';
import type { ZmtpRefusalCode } from '../../lib/zmtp/refusal.js';
import { fromHex } from './wire.js';

/** What a frame means. Text stands for bytes in latin1. */
export type VectorFrame =
  | { readonly command: string; readonly data: string }
  | { readonly command: string; readonly properties: Readonly<Record<string, string>> }
  | { readonly message: string; readonly more?: boolean }
  | { readonly refused: ZmtpRefusalCode; readonly body: string };

export interface ZmtpVector {
  readonly name: string;
  /** Absent where only frames are shown. */
  readonly greeting?: Greeting;
  /** All of one direction. */
  readonly bytes: Buffer;
  readonly frames: readonly VectorFrame[];
}

const NULL_GREETING: Greeting = { major: 3, minor: 1, mechanism: 'NULL', asServer: false };
const PLAIN_GREETING: Greeting = { ...NULL_GREETING, mechanism: 'PLAIN' };

/** Version 3.1, the mechanism in 20 bytes, as-server and filler: what libzmq sends behind its signature. */
const REST_NULL = `0301 4e554c4c ${'00'.repeat(48)}`;
const REST_PLAIN = `0301 504c41494e ${'00'.repeat(47)}`;

/** libzmq writes the length of its identity plus one into the padding, for peers of ZMTP 1.0. */
const signature = (identityBytes: number): string => `ff ${(identityBytes + 1).toString(16).padStart(16, '0')} 7f`;

const SOCKET_TYPE = '0b 536f636b65742d54797065';
const IDENTITY = '08 4964656e74697479';
const READY_DEALER = `04 29 05 5245414459 ${SOCKET_TYPE} 00000006 4445414c4552 ${IDENTITY} 00000000`;
const READY_ROUTER = `04 29 05 5245414459 ${SOCKET_TYPE} 00000006 524f55544552 ${IDENTITY} 00000000`;
const READY_SUB = `04 19 05 5245414459 ${SOCKET_TYPE} 00000003 535542`;

const dealer = { command: 'READY', properties: { 'socket-type': 'DEALER', identity: '' } };
const router = { command: 'READY', properties: { 'socket-type': 'ROUTER', identity: '' } };
const subscriber = { command: 'READY', properties: { 'socket-type': 'SUB' } };

/** The bytes that sockets of libzmq 4.3.5 were seen to send over TCP. */
const CAPTURED: readonly ZmtpVector[] = [
  {
    name: 'DEALER with a message of three frames, the last of them long',
    greeting: NULL_GREETING,
    bytes: fromHex(
      `${signature(0)} ${REST_NULL} ${READY_DEALER} 01 05 68656c6c6f 01 00 02 0000000000000100 ${'61'.repeat(256)}`,
    ),
    frames: [dealer, { message: 'hello', more: true }, { message: '', more: true }, { message: 'a'.repeat(256) }],
  },
  {
    name: 'DEALER with an identity',
    greeting: NULL_GREETING,
    bytes: fromHex(
      `${signature(6)} ${REST_NULL} 04 2f 05 5245414459 ${SOCKET_TYPE} 00000006 4445414c4552 ` +
        `${IDENTITY} 00000006 706565722d31 00 01 78`,
    ),
    frames: [{ command: 'READY', properties: { 'socket-type': 'DEALER', identity: 'peer-1' } }, { message: 'x' }],
  },
  {
    name: 'DEALER with the longest identity, which makes READY a long frame',
    greeting: NULL_GREETING,
    bytes: fromHex(
      `${signature(255)} ${REST_NULL} 06 0000000000000128 05 5245414459 ${SOCKET_TYPE} 00000006 4445414c4552 ` +
        `${IDENTITY} 000000ff ${'72'.repeat(255)}`,
    ),
    frames: [{ command: 'READY', properties: { 'socket-type': 'DEALER', identity: 'r'.repeat(255) } }],
  },
  {
    name: 'REQ without an identity',
    greeting: NULL_GREETING,
    bytes: fromHex(
      `${signature(0)} ${REST_NULL} 04 26 05 5245414459 ${SOCKET_TYPE} 00000003 524551 ${IDENTITY} 00000000 ` +
        '01 00 00 04 70696e67',
    ),
    frames: [
      { command: 'READY', properties: { 'socket-type': 'REQ', identity: '' } },
      { message: '', more: true },
      { message: 'ping' },
    ],
  },
  {
    name: 'REQ with an identity',
    greeting: NULL_GREETING,
    bytes: fromHex(
      `${signature(9)} ${REST_NULL} 04 2f 05 5245414459 ${SOCKET_TYPE} 00000003 524551 ` +
        `${IDENTITY} 00000009 726571756573746572 01 00 00 04 70696e67`,
    ),
    frames: [
      { command: 'READY', properties: { 'socket-type': 'REQ', identity: 'requester' } },
      { message: '', more: true },
      { message: 'ping' },
    ],
  },
  {
    name: 'PUSH',
    greeting: NULL_GREETING,
    bytes: fromHex(
      `${signature(0)} ${REST_NULL} 04 1a 05 5245414459 ${SOCKET_TYPE} 00000004 50555348 01 01 61 00 01 62`,
    ),
    frames: [
      { command: 'READY', properties: { 'socket-type': 'PUSH' } },
      { message: 'a', more: true },
      { message: 'b' },
    ],
  },
  {
    name: 'SUB with a publisher of ZMTP 3.1',
    greeting: NULL_GREETING,
    bytes: fromHex(
      `${signature(0)} ${REST_NULL} ${READY_SUB} 04 0e 09 535542534352494245 6e657773 ` +
        '04 0a 09 535542534352494245 04 0b 06 43414e43454c 6e657773',
    ),
    frames: [
      subscriber,
      { command: 'SUBSCRIBE', data: 'news' },
      { command: 'SUBSCRIBE', data: '' },
      { command: 'CANCEL', data: 'news' },
    ],
  },
  {
    name: 'SUB with a publisher of ZMTP 3.0',
    greeting: NULL_GREETING,
    bytes: fromHex(`${signature(0)} ${REST_NULL} ${READY_SUB} 00 05 01 6e657773 00 01 01 00 05 00 6e657773`),
    frames: [subscriber, { message: '\x01news' }, { message: '\x01' }, { message: '\x00news' }],
  },
  {
    name: 'DEALER with heartbeats of its own',
    greeting: NULL_GREETING,
    bytes: fromHex(`${signature(0)} ${REST_NULL} ${READY_DEALER} 04 07 04 50494e47 001e 04 07 04 50494e47 001e`),
    frames: [dealer, { command: 'PING', data: '\x00\x1e' }, { command: 'PING', data: '\x00\x1e' }],
  },
  {
    name: 'DEALER that answers heartbeats without and with a context',
    greeting: NULL_GREETING,
    bytes: fromHex(`${signature(0)} ${REST_NULL} ${READY_DEALER} 04 05 04 504f4e47 04 07 04 504f4e47 0102`),
    frames: [dealer, { command: 'PONG', data: '' }, { command: 'PONG', data: '\x01\x02' }],
  },
  {
    name: 'ROUTER that answers a heartbeat',
    greeting: NULL_GREETING,
    bytes: fromHex(`${signature(0)} ${REST_NULL} ${READY_ROUTER} 04 08 04 504f4e47 c0ffee`),
    frames: [router, { command: 'PONG', data: '\xc0\xff\xee' }],
  },
  {
    name: 'DEALER that is a client of PLAIN',
    greeting: PLAIN_GREETING,
    bytes: fromHex(
      `${signature(0)} ${REST_PLAIN} 04 13 05 48454c4c4f 05 61646d696e 06 736563726574 ` +
        `04 2c 08 494e495449415445 ${SOCKET_TYPE} 00000006 4445414c4552 ${IDENTITY} 00000000 00 02 6869`,
    ),
    frames: [
      { command: 'HELLO', data: '\x05admin\x06secret' },
      { command: 'INITIATE', properties: { 'socket-type': 'DEALER', identity: '' } },
      { message: 'hi' },
    ],
  },
  {
    name: 'ROUTER that is a server of PLAIN and does not say so',
    greeting: PLAIN_GREETING,
    bytes: fromHex(`${signature(0)} ${REST_PLAIN} 04 08 07 57454c434f4d45 ${READY_ROUTER}`),
    frames: [{ command: 'WELCOME', data: '' }, router],
  },
  {
    name: 'ROUTER that turns a client of NULL away',
    greeting: NULL_GREETING,
    bytes: fromHex(`${signature(0)} ${REST_NULL} 04 0a 05 4552524f52 03 343030`),
    frames: [{ command: 'ERROR', data: '\x03400' }],
  },
  {
    // Where the length and the E of ERROR belong, libzmq 4.3.5 has one byte 5e: no command in the sense of RFC 37.
    name: 'ROUTER that does not accept a password, and says so in a broken ERROR',
    greeting: PLAIN_GREETING,
    bytes: fromHex(`${signature(0)} ${REST_PLAIN} 04 09 5e 52524f52 03 343030`),
    frames: [{ refused: 'bad-command', body: '^RROR\x03400' }],
  },
];

/** RFC 37, "Worked Example". */
const OF_THE_RFC: readonly ZmtpVector[] = [
  {
    name: 'DEALER of the worked example',
    greeting: NULL_GREETING,
    bytes: fromHex(`ff 0000000000000000 7f ${REST_NULL} ${READY_DEALER}`),
    frames: [dealer],
  },
  {
    name: 'ROUTER of the worked example',
    bytes: fromHex(`04 1c 05 5245414459 ${SOCKET_TYPE} 00000006 524f55544552`),
    frames: [{ command: 'READY', properties: { 'socket-type': 'ROUTER' } }],
  },
];

export const ZMTP_VECTORS: readonly ZmtpVector[] = [...CAPTURED, ...OF_THE_RFC];
