import { Controller } from '@nestjs/common';
import { MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { BlobBytesPipe } from './blob-bytes.pipe.js';
import { BlobStore } from './blob-store.js';
import { BlobsPattern, type PutAnswer } from './blobs.patterns.js';
import { BlobQueryDto } from './dto/blob-query.dto.js';

@Controller()
export class BlobsController {
  constructor(private readonly store: BlobStore) {}

  @MessagePattern(BlobsPattern.Put)
  put(@Payload(BlobBytesPipe) bytes: Buffer): PutAnswer {
    return { sha256: this.store.put(bytes), size: bytes.length };
  }

  @MessagePattern(BlobsPattern.Get)
  get(@Payload() { sha256 }: BlobQueryDto): Buffer {
    const bytes = this.store.get(sha256);
    if (bytes === undefined) {
      throw new RpcException({ code: 'NOT_FOUND', message: `There is no blob ${sha256}` });
    }
    return bytes;
  }
}
