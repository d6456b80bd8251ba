import { Controller } from '@nestjs/common';
import { MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { AllowPeers, MaxMessageSize } from 'nestjs-zeromq';
import { Role } from '../security/roles.js';
import { BlobBytesPipe } from './blob-bytes.pipe.js';
import { BlobStore } from './blob-store.js';
import { BlobsPattern, MAX_BLOB_SIZE, type PutAnswer } from './blobs.patterns.js';
import { BlobQueryDto } from './dto/blob-query.dto.js';

@Controller()
export class BlobsController {
  constructor(private readonly store: BlobStore) {}

  @MessagePattern(BlobsPattern.Put)
  @AllowPeers({ roles: [Role.Device, Role.Admin] })
  @MaxMessageSize(MAX_BLOB_SIZE)
  put(@Payload(BlobBytesPipe) bytes: Buffer): PutAnswer {
    return { sha256: this.store.put(bytes), size: bytes.length };
  }

  @MessagePattern(BlobsPattern.Get)
  @AllowPeers({ roles: [Role.Analyst, Role.Admin] })
  get(@Payload() { sha256 }: BlobQueryDto): Buffer {
    const bytes = this.store.get(sha256);
    if (bytes === undefined) {
      throw new RpcException({ code: 'NOT_FOUND', message: `There is no blob ${sha256}` });
    }
    return bytes;
  }
}
