/** The patterns of the blob store, for its controller and its callers alike. */
export const BlobsPattern = {
  /** Request: raw bytes, up to {@link MAX_BLOB_SIZE}; answers {@link PutAnswer}. */
  Put: 'blobs.put',
  /** Request: `{ sha256 }`; answers the raw bytes. */
  Get: 'blobs.get',
} as const;

/** Bytes. */
export const MAX_BLOB_SIZE = 1024 * 1024;

/** Bytes: what server and client have to let through so that the largest blob fits with its envelope. */
export const MAX_BLOB_MESSAGE_SIZE = MAX_BLOB_SIZE + 64 * 1024;

export interface PutAnswer {
  /** Under which the bytes can be fetched, as 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}
