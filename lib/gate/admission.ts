import { readFileSync } from 'node:fs';
import type { ZmqViolation, ZmqViolationKind } from '../limits/violation.js';
import type { ResolvedGateOptions } from '../options/gate-options.js';
import type { Address } from './addresses.js';

export interface AdmissionRefusal {
  readonly kind: ZmqViolationKind;
  readonly figures: ZmqViolation['figures'];
}

/**
 * What one connection costs beside what it sends, in bytes; 6 KB were measured, and 59 KB with TLS. OpenSSL keeps up to 128 KB
 * more of buffers for one that has sent much, which the part of the budget covers that is for nothing else.
 */
export const CONNECTION_BYTES = 8 * 1024;
export const TLS_CONNECTION_BYTES = 64 * 1024;
/** Part of the budget that connections may cost. */
const CONNECTIONS_PART = 1 / 4;
/** Part of the places that one address may take, */
const ADDRESS_PART = 1 / 2;
/** part of them that only addresses with few connections may take, */
const RESERVED_PART = 1 / 8;
const FEW = 4;
/** and part that may be taken by connections that have not finished the handshake. */
const HALF_OPEN_PART = 1 / 2;
const LEAST_HALF_OPEN = 64;
/** Descriptors kept for everything else that the process does. */
const RESERVED_DESCRIPTORS = 128;

export interface Crowd {
  readonly connections: number;
  /** What they cost, in bytes. */
  readonly connectionBytes: number;
  readonly halfOpen: number;
}

export interface Applicant {
  readonly address: Address;
  /** Bytes that the connection would cost. */
  readonly cost: number;
}

/** Whether one more connection may be taken on. */
export class Admission {
  private readonly descriptors = descriptorLimit();

  /** @param share part of memory and descriptors, where others share them */
  constructor(
    private readonly budget: { readonly limit: number },
    private readonly share = 1,
  ) {}

  judge(
    { address, cost }: Applicant,
    crowd: Crowd,
    limits: ResolvedGateOptions,
    now: number,
  ): AdmissionRefusal | undefined {
    if (address.accepts.waitAt(now) > 0) {
      return { kind: 'accept-rate', figures: { limit: limits.acceptRate } };
    }
    // Those that are left unanswered run up no debt, or a short storm would shut the address out for long.
    address.accepts.take(1, now);
    // Connections of the same cost as this one that there could be, and are.
    const most = this.mostOf(limits, cost);
    const connections = Math.max(crowd.connections, Math.ceil(crowd.connectionBytes / cost));
    return this.crowded(address, { connections, most }, limits) ?? this.halfOpen(address, { ...crowd, most }, limits);
  }

  /** Connections that there may be at a time, if each costs so many bytes. */
  mostOf({ maxConnections, maxTarpit }: ResolvedGateOptions, cost = CONNECTION_BYTES): number {
    const affordable = Math.floor((this.budget.limit * CONNECTIONS_PART * this.share) / cost);
    return Math.max(1, Math.floor(Math.min(affordable, (this.descriptors - maxTarpit) * this.share, maxConnections)));
  }

  private crowded(
    address: Address,
    { connections, most }: { readonly connections: number; readonly most: number },
    limits: ResolvedGateOptions,
  ): AdmissionRefusal | undefined {
    const mostOfAddress = Math.min(limits.maxConnectionsPerAddress, Math.max(FEW, Math.floor(most * ADDRESS_PART)));
    // Who comes late must find a place, too.
    const open = address.connections < FEW ? most : most - Math.floor(most * RESERVED_PART);
    if (connections >= open) {
      return { kind: 'connections', figures: { limit: open, actual: connections + 1 } };
    }
    return address.connections >= mostOfAddress
      ? { kind: 'address-connections', figures: { limit: mostOfAddress, actual: address.connections + 1 } }
      : undefined;
  }

  private halfOpen(
    address: Address,
    crowd: { readonly halfOpen: number; readonly most: number },
    { maxHalfOpenPerAddress }: ResolvedGateOptions,
  ): AdmissionRefusal | undefined {
    const most = Math.max(LEAST_HALF_OPEN, Math.floor(crowd.most * HALF_OPEN_PART));
    if (address.halfOpen >= maxHalfOpenPerAddress) {
      return { kind: 'half-open', figures: { limit: maxHalfOpenPerAddress, actual: address.halfOpen + 1 } };
    }
    return crowd.halfOpen >= most && address.halfOpen > 0
      ? { kind: 'half-open', figures: { limit: most, actual: crowd.halfOpen + 1 } }
      : undefined;
  }
}

/** Connections that the process has descriptors for, as far as the system tells. */
export function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? Infinity : Math.max(16, Number(soft) - RESERVED_DESCRIPTORS);
  } catch {
    return Infinity;
  }
}
