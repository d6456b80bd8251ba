// Each process counts performance.now() from its own start; the monotonic clock underneath is one for the machine.
const OFFSET = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Milliseconds on a clock that a server and a client process of one machine share. */
export function sharedNow(): number {
  return performance.now() + OFFSET;
}
