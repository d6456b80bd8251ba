import type { Reading } from '../telemetry/reading.js';

/** Time for everything at the usual rate; at a lower one the rest is left out, so that a replay always ends soon. */
const MAX_SECONDS = 15;

/** The first readings of each device, no more than it may send within {@link MAX_SECONDS} at a rate in readings a second. */
export function selectReadings<T extends Pick<Reading, 'deviceId'>>(readings: readonly T[], rate: number): T[] {
  const room = new Map<string, number>();
  return readings.filter(({ deviceId }) => {
    const left = room.get(deviceId) ?? rate * MAX_SECONDS;
    room.set(deviceId, left - 1);
    return left > 0;
  });
}
