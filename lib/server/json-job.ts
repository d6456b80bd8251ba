import { ZmqException } from '../errors/zmq.exception.js';
import type { JsonEvent, JsonIncoming, JsonRequest } from '../wire/json-mode.js';
import { Malformed } from '../wire/malformed.js';
import { routeOf } from '../wire/pattern.js';
import { noHandler } from './dispatcher.js';
import type { Job, Step } from './intake.js';
import { JsonReplies } from './json-replies.js';
import type { Peer } from './peer.js';
import type { Reception } from './reception.js';
import { ReplyCollector } from './reply-collector.js';
import type { ReplySink } from './replies.js';

export interface JsonJobFields {
  readonly peer: Peer;
  readonly items: readonly JsonIncoming[];
  /** Whether the sender is a REQ socket, which takes exactly one message as its answer. */
  readonly delimited: boolean;
  /** Bytes of the whole message, shared among its items. */
  readonly size: number;
}

/** A message in JSON mode. */
export class JsonJob implements Job {
  private index = 0;
  private readonly sink: ReplySink;
  private readonly itemSize: number;

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
          budget: reception.budget,
        })
      : peer;
    this.itemSize = Math.ceil(size / items.length);
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
      return 'wait';
    }
    this.index++;
    return 'next';
  }

  private take(item: JsonIncoming): boolean {
    const { reception, fields } = this;
    if (item instanceof Malformed) {
      reception.countMalformed(fields.peer, item);
      const id = typeof item.id === 'string' ? item.id : undefined;
      this.refuse(id, new ZmqException('MALFORMED', `Malformed message: ${item.reason}.`));
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
    const refusal = this.refusalOf(item, pattern);
    const admission = refusal === undefined ? reception.slots.admit() : 'refused';
    if (admission === 'wait') {
      return false;
    }
    if (admission === 'refused') {
      const error = refusal ?? reception.overloaded();
      reception.countRefusal(error, pattern);
      this.refuse(item.id, error);
      return true;
    }
    reception.dispatcher.request({
      peer,
      id: item.id,
      pattern,
      data: item.data,
      metadata: item.metadata,
      size: this.itemSize,
      timeoutMs: item.timeoutMs,
      window: 0,
      replies: this.repliesTo(item.id),
      sink,
    });
    return true;
  }

  private takeEvent(item: JsonEvent): boolean {
    const { reception } = this;
    const pattern = routeOf(item.pattern) ?? '';
    if (reception.draining || !reception.dispatcher.knows(pattern)) {
      reception.refuseEvent(pattern, reception.draining ? 'shutting down' : 'no handler');
      this.acknowledge();
      return true;
    }
    const admission = reception.slots.admit();
    if (admission === 'wait') {
      return false;
    }
    if (admission === 'refused') {
      reception.refuseEvent(pattern, 'overloaded');
    } else {
      const { data, metadata } = item;
      reception.dispatcher.event(
        { peer: this.fields.peer, pattern, data, metadata, size: this.itemSize },
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
    if (!reception.dispatcher.knows(pattern)) {
      return noHandler(pattern);
    }
    return calls.size >= reception.limits.maxRequestsPerPeer ? reception.overloaded() : undefined;
  }

  private refuse(id: string | undefined, error: ZmqException): void {
    this.sink.push(this.repliesTo(id).error(error.toJSON()));
    this.sink.settle?.();
  }

  /** A REQ socket may not send again before it has received something, so it is told about events as well. */
  private acknowledge(): void {
    if (this.fields.delimited) {
      this.sink.push(this.repliesTo(undefined).complete());
      this.sink.settle?.();
    }
  }

  private repliesTo(id: string | undefined): JsonReplies {
    const { peer, delimited } = this.fields;
    const { serializer } = this.reception;
    return new JsonReplies({ id, delimited, maxSize: peer.maxReplySize, serializer });
  }
}
