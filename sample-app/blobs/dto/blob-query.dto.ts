import { IsBoundedString } from '../../validation/is-bounded-string.decorator.js';

const SHA256 = /^[0-9a-f]{64}$/;

export class BlobQueryDto {
  @IsBoundedString({
    name: 'isSha256',
    maxLength: 64,
    accepts: text => SHA256.test(text),
    message: '$property must be 64 lower-case hexadecimal digits',
  })
  readonly sha256!: string;
}
