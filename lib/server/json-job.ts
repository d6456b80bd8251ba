import { ZmqException, type ZmqErrorObject } from '../errors/zmq.exception.js';
import { NOT_ALLOWED } from '../pipeline/access-refusal.js';
import type { JsonEvent, JsonIncoming, JsonRequest } from '../wire/json-mode.js';
import type { PeerAccount } from '../limits/peer-account.js';
import { Malformed } from '../wire/malformed.js';
import { routeOf } from '../wire/pattern.js';
import { bytesOf } from '../wire/payload-codec.js';
import { noHandler } from './invoker.js';
import type { Job, Step } from './intake.js';
import { JsonReplies } from './json-replies.js';
import type { Peer } from './peer.js';
import type { Reception } from './reception.js';
import { ReplyCollector } from './reply-collector.js';
import type { ReplySink } from './replies.js';
import type { Route } from './route.js';
import { NEVER_SIGNED, withoutSignature } from './senders.js';
import { EXPIRED, FULL } from './vetting.js';

export interface JsonJobFields {
  readonly peer: Peer;
  readonly items: readonly JsonIncoming[];
  /** Whether the sender is a REQ socket, which takes exactly one message as its answer. */
  readonly delimited: boolean;
  /** Bytes that the whole message costs, shared among its items. */
  readonly size: number;
  /** Bytes of the message as it came. */
  readonly textSize: number;
}

/** A message in JSON mode. */
export class JsonJob implements Job {
  private index = 0;
  private obstacle: 'wait' | 'hold' = 'wait';
  private readonly sink: ReplySink;
  private readonly itemSize: number;
  /** Whether the item that waits has been counted by the limits of its handler. */
  private isVetted = false;
  private hasWaited = false;
  private readonly arrivedAt = performance.now();

  constructor(
    private readonly reception: Reception,
    private readonly fields: JsonJobFields,
  ) {
    const { peer, items, delimited, size } = fields;
    this.sink = delimited
      ? new ReplyCollector({
          requests: items.length,
          maxSize: peer.maxReplySize,
          sink: peer,
          budget: peer.account,
        })
      : peer;
    this.itemSize = Math.ceil(size / items.length);
  }

  get owner(): PeerAccount {
    return this.fields.peer.account;
  }

  get bytes(): number {
    return this.fields.size;
  }

  step(): Step {
    const item = this.fields.items[this.index];
    if (this.fields.peer.departed) {
      this.sink.abandon?.();
      return 'end';
    }
    if (item === undefined) {
      return 'end';
    }
    if (!this.take(item)) {
      this.hasWaited = true;
      return this.obstacle;
    }
    this.index++;
    this.isVetted = false;
    this.hasWaited = false;
    return 'next';
  }

  private take(item: JsonIncoming): boolean {
    const { reception, fields } = this;
    if (item instanceof Malformed) {
      reception.refusals.malformed(fields.peer, item);
      const id = typeof item.id === 'string' ? item.id : undefined;
      this.refuse(id, { code: 'MALFORMED', message: `Malformed message: ${item.reason}.` });
      return true;
    }
    switch (item.kind) {
      case 'request':
        return this.takeRequest(item);
      case 'event':
        return this.takeEvent(item);
      case 'cancel':
        fields.peer.calls.get(item.id)?.cancel(new ZmqException('CANCELLED', 'The caller cancelled the request.'));
        this.acknowledge();
        return true;
      default:
        return item satisfies never;
    }
  }

  private takeRequest(item: JsonRequest): boolean {
    const { reception, sink } = this;
    const { peer } = this.fields;
    const pattern = routeOf(item.pattern) ?? '';
    if (reception.senders.isRequired) {
      reception.refusals.unidentified({ peer, pattern, kind: 'request' }, NEVER_SIGNED);
      this.refuse(item.id, NEVER_SIGNED.error);
      return true;
    }
    const route = reception.routes.get(pattern);
    if (
      reception.vetting.asksWho(route) &&
      reception.vetting.forbids({ peer, sender: peer.identity, route, kind: 'request' })
    ) {
      this.refuse(item.id, NOT_ALLOWED);
      return true;
    }
    const refusal = this.refusalOf(item, pattern);
    const payloadSize = this.payloadSizeOf(item, route);
    if (refusal === undefined && route !== undefined && !this.passes(item, route, payloadSize)) {
      return true;
    }
    const admission = refusal === undefined ? reception.slots.admit(peer.account) : 'refused';
    if (admission === 'wait' || admission === 'hold') {
      this.obstacle = admission;
      return false;
    }
    if (admission === 'refused') {
      const error = (refusal ?? reception.overloaded()).toJSON();
      reception.refusals.request(error, pattern, peer.id);
      this.refuse(item.id, error);
      return true;
    }
    const timeoutMs = this.timeLeft(item);
    if (timeoutMs < 0) {
      reception.refusals.expired();
      this.refuse(item.id, EXPIRED);
      return true;
    }
    if (this.isTooLate(route)) {
      reception.refusals.request(FULL, pattern, peer.id);
      this.refuse(item.id, FULL);
      return true;
    }
    reception.dispatcher.request({
      peer,
      sender: peer.identity,
      id: item.id,
      pattern,
      route,
      data: item.data,
      metadata: withoutSignature(item.metadata),
      size: this.itemSize,
      payloadSize,
      timeoutMs,
      window: 0,
      replies: this.repliesTo(item.id, route),
      sink,
    });
    return true;
  }

  private takeEvent(item: JsonEvent): boolean {
    const { reception } = this;
    const { peer } = this.fields;
    const sender = peer.identity;
    const pattern = routeOf(item.pattern) ?? '';
    if (reception.senders.isRequired) {
      reception.refusals.unidentified({ peer, pattern, kind: 'event' }, NEVER_SIGNED);
      this.acknowledge();
      return true;
    }
    const route = reception.routes.get(pattern);
    if (reception.vetting.asksWho(route) && reception.vetting.forbids({ peer, sender, route, kind: 'event' })) {
      this.acknowledge();
      return true;
    }
    const payloadSize = this.payloadSizeOf(item, route);
    if (reception.draining || !reception.knows(pattern)) {
      reception.refusals.event(pattern, reception.draining ? 'shutting down' : 'no handler', peer.id);
      this.acknowledge();
      return true;
    }
    if (route !== undefined && !this.passes(item, route, payloadSize)) {
      return true;
    }
    const admission = reception.slots.admit(peer.account);
    if (admission === 'wait' || admission === 'hold') {
      this.obstacle = admission;
      return false;
    }
    if (admission === 'refused' || this.isTooLate(route)) {
      reception.refusals.event(pattern, 'overloaded', peer.id);
    } else {
      const { data } = item;
      const metadata = withoutSignature(item.metadata);
      reception.dispatcher.event(
        { peer, sender, pattern, route, data, metadata, size: this.itemSize, payloadSize },
        () => undefined,
      );
    }
    this.acknowledge();
    return true;
  }

  private refusalOf({ id }: JsonRequest, pattern: string): ZmqException | undefined {
    const { reception } = this;
    const { calls } = this.fields.peer;
    if (reception.draining) {
      return new ZmqException('OVERLOADED', 'The server is shutting down.');
    }
    if (calls.has(id)) {
      return new ZmqException('MALFORMED', 'Malformed message: its id is in use.');
    }
    if (!reception.knows(pattern)) {
      return noHandler(pattern);
    }
    return calls.size >= reception.limits.maxRequestsPerPeer ? reception.overloaded() : undefined;
  }

  /** Whether the limits of its handler let the item pass. If not, all has been done about it. */
  private passes(item: JsonRequest | JsonEvent, route: Route, size: number): boolean {
    const { peer } = this.fields;
    const { vetting } = this.reception;
    const isRequest = item.kind === 'request';
    this.isVetted ||=
      vetting.isPlain(route, size) ||
      vetting.passes({
        peer,
        sender: peer.identity,
        route,
        size,
        timeoutMs: isRequest ? item.timeoutMs : 0,
        metadata: () => withoutSignature(item.metadata),
        answer: isRequest ? { replies: this.repliesTo(item.id, route), sink: this.sink } : undefined,
        done: isRequest ? undefined : this.acknowledgement,
      });
    return this.isVetted;
  }

  /** Whether others have taken the last room of the handler while the item at hand waited. */
  private isTooLate(route: Route | undefined): boolean {
    if (!this.hasWaited || route?.isFull !== true) {
      return false;
    }
    route.refused.overload++;
    return true;
  }

  /** Bytes of the data as JSON. Those of the whole message will do unless a limit is below them, or bytes are counted. */
  private payloadSizeOf({ data }: JsonRequest | JsonEvent, route: Route | undefined): number {
    const { textSize } = this.fields;
    const limits = route?.limits;
    if (
      limits === undefined ||
      (textSize <= limits.maxMessageSize && limits.rates.every(({ rule }) => rule.bytes === undefined))
    ) {
      return textSize;
    }
    const bytes = bytesOf(data);
    return bytes === undefined ? Buffer.byteLength(JSON.stringify(data) ?? '') : bytes.length;
  }

  /** Milliseconds until the caller stops waiting: 0 if it never does, less if it has. */
  private timeLeft({ timeoutMs }: JsonRequest): number {
    const left = timeoutMs - Math.floor(performance.now() - this.arrivedAt);
    return timeoutMs === 0 || left > 0 ? Math.max(0, left) : -1;
  }

  private refuse(id: string | undefined, error: ZmqErrorObject): void {
    this.sink.push(this.repliesTo(id).error(error));
    this.sink.settle?.();
  }

  /** A REQ socket may not send again before it has received something, so it is told about events as well. */
  private acknowledge(): void {
    this.acknowledgement?.();
  }

  private get acknowledgement(): (() => void) | undefined {
    return this.fields.delimited ? acknowledgementOf(this.sink, this.repliesTo(undefined)) : undefined;
  }

  private repliesTo(id: string | undefined, route?: Route): JsonReplies {
    const { delimited } = this.fields;
    const { maxReplySize } = this.fields.peer;
    const { serializer } = this.reception;
    const maxSize = route === undefined ? maxReplySize : Math.min(maxReplySize, route.limits.maxResponseSize);
    return new JsonReplies({ id, delimited, maxSize, maxErrorSize: maxReplySize, serializer });
  }
}

/** A function of its own, as a closure keeps all that is in reach of it: decisions must not keep the whole message. */
function acknowledgementOf(sink: ReplySink, replies: JsonReplies): () => void {
  return () => {
    sink.push(replies.complete());
    sink.settle?.();
  };
}
