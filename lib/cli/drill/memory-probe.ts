import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

export interface MemoryReading {
  /** Resident bytes now. */
  readonly now: number;
  /** The most resident bytes since the process started; 0 where the system does not tell. */
  readonly high: number;
}

/** Resident memory of another process, or `undefined` if there is no such process or it may not be looked at. */
export async function readMemory(pid: number): Promise<MemoryReading | undefined> {
  try {
    return process.platform === 'linux' ? await fromProc(pid) : await fromPs(pid);
  } catch {
    return undefined;
  }
}

async function fromProc(pid: number): Promise<MemoryReading | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
  const now = field('VmRSS');
  return now > 0 ? { now, high: field('VmHWM') } : undefined;
}

async function fromPs(pid: number): Promise<MemoryReading | undefined> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  const now = Number(stdout.trim()) * 1024;
  return now > 0 ? { now, high: 0 } : undefined;
}
