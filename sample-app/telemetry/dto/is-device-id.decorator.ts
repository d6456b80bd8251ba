import { IsBoundedString } from '../../validation/is-bounded-string.decorator.js';

const MAX_LENGTH = 64;
const DEVICE_ID = /^[A-Za-z0-9._-]+$/;

/** 1 to 64 characters, each a letter, a digit, a dot, an underscore or a hyphen. */
export function IsDeviceId(): PropertyDecorator {
  return IsBoundedString({
    name: 'isDeviceId',
    maxLength: MAX_LENGTH,
    accepts: text => DEVICE_ID.test(text),
    message: `$property must be 1 to ${MAX_LENGTH} letters, digits, dots, underscores or hyphens`,
  });
}
