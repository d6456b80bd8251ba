import { Injectable, type PipeTransform } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';

/** Lets raw bytes through and nothing else. */
@Injectable()
export class BlobBytesPipe implements PipeTransform<unknown, Buffer> {
  transform(payload: unknown): Buffer {
    if (!Buffer.isBuffer(payload)) {
      throw new RpcException({ code: 'VALIDATION_FAILED', message: 'A blob is sent as raw bytes' });
    }
    return payload;
  }
}
