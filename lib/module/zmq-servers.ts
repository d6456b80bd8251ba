import { Injectable } from '@nestjs/common';
import { ServerZmq } from '../server/server-zmq.js';

/** The servers of an application, in the order in which they were made known. */
@Injectable()
export class ZmqServers {
  private readonly servers = new Set<ServerZmq>();

  add(server: ServerZmq): void {
    this.servers.add(server);
  }

  [Symbol.iterator](): IterableIterator<ServerZmq> {
    return this.servers.values();
  }
}
