import { ClientZmq, ServerZmq, ZmqRecordBuilder } from 'nestjs-zeromq';
import { describe, expect, it } from 'vitest';

/** What plain JavaScript, or configuration from outside, may hand over in spite of the types. */
function untyped<T>(value: unknown): T {
  return value as T;
}

function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** What the error must look like; `naming` is in its message. */
function refusal(naming: string): unknown {
  return expect.objectContaining({
    name: 'ZmqException',
    code: 'INVALID_OPTIONS',
    retryable: false,
    message: expect.stringContaining(naming) as string,
  });
}

describe('options that make no sense are refused with INVALID_OPTIONS, naming the option', () => {
  it.each<[name: string, options: unknown]>([
    ['ServerZmq options', 'tcp://127.0.0.1:5555'],
    ['ServerZmq options', []],
    ["'port'", { port: 5555 }],
    ['bind', { bind: 'http://127.0.0.1:80' }],
    ['bind', { bind: 'tcp://127.0.0.1' }],
    ['bind', { bind: 'tcp://127.0.0.1:65536' }],
    ['bind', { bind: '' }],
    ['bind', { bind: 5555 }],
    ['bind', { bind: [] }],
    ['bind', { bind: ['tcp://127.0.0.1:5555', 'tcp://127.0.0.1:5555'] }],
    ['bind', { bind: `ipc://${'x'.repeat(200)}` }],
    ['limits', { limits: 5 }],
    ["'maxMesageSize'", { limits: { maxMesageSize: 1 } }],
    ['limits.maxMessageSize', { limits: { maxMessageSize: '1 potato' } }],
    ['limits.maxMessageSize', { limits: { maxMessageSize: -1 } }],
    ['limits.maxMessageSize', { limits: { maxMessageSize: 1.5 } }],
    ['limits.maxMessageSize', { limits: { maxMessageSize: Number.NaN } }],
    ['limits.maxBatchPackets', { limits: { maxBatchPackets: 0 } }],
    ['limits.maxPatternLength', { limits: { maxPatternLength: 65_536 } }],
    ['limits.maxMetadataSize', { limits: { maxMetadataSize: '1mb' } }],
    ['limits.maxDepth', { limits: { maxDepth: '32' } }],
    ['limits.maxTokens', { limits: { maxTokens: 0 } }],
    ['limits.maxNumberLength', { limits: { maxNumberLength: 1 } }],
    ['limits.maxPeers', { limits: { maxPeers: 0 } }],
    ['limits.maxStreams', { limits: { maxStreams: Infinity } }],
    ['limits.maxRequestsPerPeer', { limits: { maxRequestsPerPeer: null } }],
    ['limits.streamBuffer', { limits: { streamBuffer: 1 } }],
    ['limits.outboxSize', { limits: { outboxSize: '1kb' } }],
    ['limits.eventWindow', { limits: { eventWindow: 0 } }],
    ['concurrency', { concurrency: 0 }],
    ['concurrency', { concurrency: 'many' }],
    ['concurrency.limit', { concurrency: { limit: -1 } }],
    ['concurrency.stallTimeout', { concurrency: { stallTimeout: 1 } }],
    ["'max'", { concurrency: { max: 5 } }],
    ['memoryBudget', { memoryBudget: '1kb' }],
    ['memoryBudget', { memoryBudget: '1mb', limits: { maxMessageSize: '2mb' } }],
    ['serializer', { serializer: {} }],
    ['deserializer', { deserializer: () => undefined }],
    ['drainTimeout', { drainTimeout: -1 }],
    ['stallTimeout', { stallTimeout: 1 }],
    ['leaseTimeout', { leaseTimeout: 1 }],
    ['leaseTimeout', { leaseTimeout: 4_000, heartbeatInterval: 5_000 }],
    ['heartbeatInterval', { heartbeatInterval: '5s' }],
    ['socket.sendHighWaterMark', { socket: { sendHighWaterMark: 0 } }],
    ['socket.receiveHighWaterMark', { socket: { receiveHighWaterMark: 0 } }],
    ['socket.linger', { socket: { linger: -1 } }],
    ['socket.handshakeInterval', { socket: { handshakeInterval: 0 } }],
    ['socket.tcpKeepalive', { socket: { tcpKeepalive: 1 } }],
    ['socket.tcpKeepalive.idle', { socket: { tcpKeepalive: { idle: 0 } } }],
    ['socket.backlog', { socket: { backlog: 0 } }],
    ['socket.ioThreads', { socket: { ioThreads: 65 } }],
    ['socket.ipv6', { socket: { ipv6: 'yes' } }],
  ])('ServerZmq: %s in %o', (name, options) => {
    expect(errorOf(() => new ServerZmq(untyped(options)))).toEqual(refusal(name));
  });

  it.each<[name: string, options: unknown]>([
    ['ClientZmq options', 5],
    ["'urls'", { urls: [] }],
    ['connect', { connect: 'tcp://127.0.0.1:*' }],
    ['connect', { connect: 'tcp://127.0.0.1:0' }],
    ['connect', { connect: 'tcp://*:5555' }],
    ['connect', { connect: 'nats://127.0.0.1:4222' }],
    ['connect', { connect: [] }],
    ['connect', { connect: ['tcp://a:1', 'tcp://a:1'] }],
    ['timeout', { timeout: -1 }],
    ['timeout', { timeout: '5s' }],
    ['timeout', { timeout: Number.NaN }],
    ['connectTimeout', { connectTimeout: 0 }],
    ['encoding', { encoding: 'xml' }],
    ['streamWindow', { streamWindow: 65_536 }],
    ['inheritDeadline', { inheritDeadline: 1 }],
    ['limits.maxMessageSize', { limits: { maxMessageSize: 1 } }],
    ['limits.maxPending', { limits: { maxPending: 0 } }],
    ['limits.outboxMessages', { limits: { outboxMessages: 0 } }],
    ['limits.outboxSize', { limits: { outboxSize: '10b' } }],
    ['limits.maxDepth', { limits: { maxDepth: 2_000 } }],
    ['limits.maxTokens', { limits: { maxTokens: -1 } }],
    ['heartbeat.interval', { heartbeat: { interval: 1 } }],
    ['heartbeat.timeout', { heartbeat: { interval: 5_000, timeout: 5_000 } }],
    ['reconnect.minDelay', { reconnect: { minDelay: 0 } }],
    ['reconnect.maxDelay', { reconnect: { minDelay: 500, maxDelay: 100 } }],
    ['serializer', { serializer: 'json' }],
    ['deserializer', { deserializer: {} }],
    ['socket.linger', { socket: { linger: 1e9 } }],
    ["'hwm'", { socket: { hwm: 5 } }],
  ])('ClientZmq: %s in %o', (name, options) => {
    expect(errorOf(() => new ClientZmq(untyped(options)))).toEqual(refusal(name));
  });

  it.each([0, -1, 1.5, 65_536, Number.NaN])('client.stream(): a window of %d', window => {
    const client = new ClientZmq();
    expect(errorOf(() => client.stream('pattern', {}, { window }))).toEqual(refusal('window'));
  });

  it('ZmqRecordBuilder: timeout, encoding and metadata', () => {
    const builder = new ZmqRecordBuilder({});
    for (const timeout of [-1, 1.5, Number.NaN, 2 ** 32]) {
      expect(errorOf(() => builder.setTimeout(timeout))).toEqual(refusal('timeout'));
    }
    expect(errorOf(() => builder.setEncoding(untyped('xml')))).toEqual(refusal('encoding'));
    expect(errorOf(() => builder.setMetadata(untyped({ a: 1 })))).toEqual(refusal('metadata'));
    expect(errorOf(() => builder.setMetadata(untyped(JSON.parse('{"__proto__":"x"}'))))).toEqual(refusal('__proto__'));
  });

  it('leaves the given object alone and takes undefined for "not set"', () => {
    const options = Object.freeze({
      bind: undefined,
      limits: Object.freeze({ maxDepth: undefined }),
      concurrency: undefined,
    });
    expect(new ServerZmq(untyped(options)).endpoints).toEqual([]);
    expect(errorOf(() => new ClientZmq(untyped({ timeout: undefined, nothing: undefined })))).toBeUndefined();
  });
});
