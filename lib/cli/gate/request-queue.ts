import type { PeerAccount } from '../../limits/peer-account.js';

/** A message on its way to the service, charged to its sender until then. */
export interface Request {
  readonly frames: Buffer[];
  readonly bytes: number;
  readonly account: PeerAccount;
}

/** Requests taken that stay in the list before it is made anew. */
const MAX_TAKEN = 1_024;

/** First in, first out, at the same cost whatever waits. */
export class RequestQueue {
  private requests: Request[] = [];
  private head = 0;

  get length(): number {
    return this.requests.length - this.head;
  }

  add(request: Request): void {
    this.requests.push(request);
  }

  take(): Request | undefined {
    const request = this.requests[this.head];
    if (request === undefined) {
      return undefined;
    }
    this.head++;
    if (this.head === this.requests.length) {
      this.requests = [];
      this.head = 0;
    } else if (this.head === MAX_TAKEN) {
      this.requests = this.requests.slice(MAX_TAKEN);
      this.head = 0;
    }
    return request;
  }

  /** Takes everything. */
  clear(): readonly Request[] {
    const left = this.requests.slice(this.head);
    this.requests = [];
    this.head = 0;
    return left;
  }
}
