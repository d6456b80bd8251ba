import { Injectable } from '@nestjs/common';
import { ZmqException } from '../errors/zmq.exception.js';
import type { ZmqLimitChanges, ZmqLimitsInForce } from '../server/live-limits.js';
import type { ServerZmq } from '../server/server-zmq.js';
import { differences } from './limit-differences.js';
import { ModuleLimits, type ZmqModuleLimitChanges, type ZmqModuleLimits } from './module-limits.js';
import { ZmqEvents } from './zmq-events.js';
import { ZmqServers } from './zmq-servers.js';

/** All limits of the servers in an application, to be read and changed while they run: inject it. */
@Injectable()
export class ZmqLimits {
  constructor(
    private readonly servers: ZmqServers,
    private readonly events: ZmqEvents,
    private readonly module: ModuleLimits,
  ) {}

  /**
   * The limits in force, of the first server if there are several.
   *
   * @throws {@link ZmqException} `INVALID_OPTIONS` if the application has no `ServerZmq`
   */
  get inForce(): ZmqLimitsInForce & ZmqModuleLimits {
    const [server] = this.all();
    return { ...(server as ServerZmq).limits, ...this.module.inForce };
  }

  /**
   * Changes limits in all servers of the application, from now on; what is not named stays as it is. Each value that differs
   * is told by `ZmqEvents.limitChanges`.
   *
   * @param by - who changes them, for the record
   * @throws {@link ZmqException} `INVALID_OPTIONS` that names the option; nothing is changed then
   */
  change(changes: ZmqLimitChanges & ZmqModuleLimitChanges, by?: string): void {
    const servers = this.all();
    // All or none.
    const { ofModule, ofServer } = divided(changes);
    const checked = this.module.check(ofModule, 'ZmqLimits.change()');
    for (const server of servers) {
      server.checkLimits(ofServer);
    }
    const at = new Date();
    const before = this.module.inForce;
    this.module.apply(checked);
    const inModule = differences(before, this.module.inForce);
    const inServers = servers.flatMap(server => {
      const before = server.limits;
      server.setLimits(ofServer);
      return differences(before, server.limits);
    });
    // Only when all are changed: whoever is told may change more.
    for (const difference of [...inModule, ...inServers]) {
      this.events.limitChanged({ ...difference, by, at });
    }
  }

  private all(): readonly ServerZmq[] {
    const servers = [...this.servers];
    if (servers.length === 0) {
      throw new ZmqException('INVALID_OPTIONS', 'There is no ServerZmq in this application, so there are no limits.');
    }
    return servers;
  }
}

/** What the module keeps itself, and the rest. What is no object is left for a server to refuse. */
function divided(changes: ZmqLimitChanges & ZmqModuleLimitChanges): {
  readonly ofModule: ZmqModuleLimitChanges;
  readonly ofServer: ZmqLimitChanges;
} {
  if (typeof changes !== 'object' || changes === null || Array.isArray(changes)) {
    return { ofModule: {}, ofServer: changes };
  }
  const { validation, rateLimits, ...ofServer } = changes;
  return {
    ofModule: { ...(validation !== undefined && { validation }), ...(rateLimits !== undefined && { rateLimits }) },
    ofServer,
  };
}
