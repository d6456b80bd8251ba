import { Body, Controller, Get, Header, Inject, Param, Put, StreamableFile } from '@nestjs/common';
import type { ClientZmq } from 'nestjs-zeromq';
import { map, type Observable } from 'rxjs';
import { BlobsPattern, type PutAnswer } from '../blobs/blobs.patterns.js';
import { SERVICE } from './service.tokens.js';

@Controller('blobs')
export class BlobsHttpController {
  constructor(@Inject(SERVICE) private readonly service: ClientZmq) {}

  @Put()
  put(@Body() bytes: Buffer = Buffer.alloc(0)): Observable<PutAnswer> {
    return this.service.send(BlobsPattern.Put, bytes);
  }

  @Get(':sha256')
  // What somebody stored must not run as a page of this origin.
  @Header('X-Content-Type-Options', 'nosniff')
  get(@Param('sha256') sha256: string): Observable<StreamableFile> {
    return this.service.send<Buffer>(BlobsPattern.Get, { sha256 }).pipe(map(bytes => new StreamableFile(bytes)));
  }
}
