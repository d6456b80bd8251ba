import type { IncomingMessage, Server } from 'node:http';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { MAX_BLOB_SIZE } from '../blobs/blobs.patterns.js';

const MAX_READING_SIZE = 16 * 1024;
const MAX_CONNECTIONS = 1_000;

/**
 * Decides what the gateway reads at all: raw bytes for a blob, a little JSON for anything else, and neither compressed,
 * because a small body could then become a large one.
 */
export function limitHttp(app: NestExpressApplication): void {
  const server: Server = app.getHttpServer();
  server.maxConnections = MAX_CONNECTIONS;
  // Whatever content type a blob is sent with, its bytes are stored as they are.
  app.useBodyParser('raw', { type: isUpload, limit: MAX_BLOB_SIZE, inflate: false });
  app.useBodyParser('json', { limit: MAX_READING_SIZE, inflate: false });
}

function isUpload(request: IncomingMessage): boolean {
  return request.method === 'PUT';
}
