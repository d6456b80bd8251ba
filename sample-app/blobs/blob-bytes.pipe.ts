import { Injectable, type PipeTransform } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { MAX_BLOB_SIZE } from './blobs.patterns.js';

/** Lets raw bytes up to {@link MAX_BLOB_SIZE} through and nothing else. */
@Injectable()
export class BlobBytesPipe implements PipeTransform<unknown, Buffer> {
  transform(payload: unknown): Buffer {
    if (!Buffer.isBuffer(payload)) {
      throw new RpcException({ code: 'VALIDATION_FAILED', message: 'A blob is sent as raw bytes' });
    }
    if (payload.length > MAX_BLOB_SIZE) {
      const message = `A blob has at most ${MAX_BLOB_SIZE} bytes, this one has ${payload.length}`;
      const details = { limit: MAX_BLOB_SIZE, actual: payload.length };
      throw new RpcException({ code: 'PAYLOAD_TOO_LARGE', message, details });
    }
    return payload;
  }
}
