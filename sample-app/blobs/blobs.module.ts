import { Module } from '@nestjs/common';
import { BlobStore } from './blob-store.js';
import { BlobsController } from './blobs.controller.js';

const MAX_BLOBS = 10_000;
const MAX_TOTAL_SIZE = 64 * 1024 * 1024;

@Module({
  controllers: [BlobsController],
  providers: [
    { provide: BlobStore, useFactory: () => new BlobStore({ maxBlobs: MAX_BLOBS, maxTotalSize: MAX_TOTAL_SIZE }) },
  ],
})
export class BlobsModule {}
