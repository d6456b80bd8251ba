import type { HandlerRules, RateLimitRule, ZmqLimitsInForce } from 'nestjs-zeromq';

const SIZES = [
  ['GB', 1024 ** 3],
  ['MB', 1024 ** 2],
  ['KB', 1024],
] as const;

/** What the service lets its clients do, in a few lines for whoever starts it. */
export function formatLimits(endpoints: readonly string[], inForce: ZmqLimitsInForce): string {
  const { memoryBudget, limits, gate, handlers } = inForce;
  const { rate, addressRate } = gate;
  const lines = [
    ['endpoint', endpoints.join(', ')],
    ['memory budget', `${size(memoryBudget)} for all clients together`],
    ['largest message', `${size(limits.maxMessageSize)}, ${count(gate.maxFrames)} frames`],
    [
      'connections',
      `up to ${count(gate.maxConnections)} as far as the budget goes, ${count(gate.maxConnectionsPerAddress)} of one address`,
    ],
    ['new connections', `${count(gate.acceptRate)} a second of one address`],
    ['messages', `${count(rate.messages)} a second, ${count(addressRate.messages)} of one address`],
    ['bytes', `${size(rate.bytes)} a second, ${size(addressRate.bytes)} of one address`],
    ['time for a message', `${gate.messageTimeout / 1000} s, and a second for every ${size(gate.minRate)}`],
    ...Object.entries(handlers)
      .map(([pattern, rules]) => [pattern, handlerLimits(rules)] as const)
      .filter(([, text]) => text !== ''),
  ] as const;
  return lines.map(([what, limit]) => `${what.padEnd(18)}  ${limit}`).join('\n');
}

/** The limits of one handler; empty if it has none. */
function handlerLimits({ maxMessageSize, rateLimit = [], concurrency }: HandlerRules): string {
  return [
    ...(maxMessageSize === undefined ? [] : [`up to ${size(maxMessageSize)}`]),
    ...rateLimit.map(rateText),
    ...(concurrency === undefined
      ? []
      : [`${count(concurrency.limit)} at a time, ${count(concurrency.queue)} more wait`]),
  ].join(', ');
}

function rateText({ points, bytes, duration, by }: RateLimitRule): string {
  const amounts = [...(points === undefined ? [] : [count(points)]), ...(bytes === undefined ? [] : [size(bytes)])];
  const period = duration === 1_000 ? 'a second' : `in ${duration / 1_000} s`;
  return `${amounts.join(' and ')} ${period} of each ${typeof by === 'function' ? by.name : by}`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function size(bytes: number): string {
  const [unit, factor] = SIZES.find(([, least]) => bytes >= least) ?? ['bytes', 1];
  return `${Number((bytes / factor).toFixed(1))} ${unit}`;
}
