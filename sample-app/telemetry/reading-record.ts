import { type ZmqRecord, ZmqRecordBuilder } from 'nestjs-zeromq';
import { MAX_DEVICE_ID_LENGTH } from './reading.js';

/** The metadata that names the device of a reading. */
export const DEVICE_METADATA = 'device';

/** A reading, or what is meant to be one, with its device named beside it, since rates are counted before data is decoded. */
export function readingRecord(reading: unknown): ZmqRecord {
  const record = new ZmqRecordBuilder(reading);
  const { deviceId } = (reading ?? {}) as { readonly deviceId?: unknown };
  if (typeof deviceId === 'string' && deviceId.length <= MAX_DEVICE_ID_LENGTH) {
    record.setMetadata({ [DEVICE_METADATA]: deviceId });
  }
  return record.build();
}
