import { IsBoundedString } from '../../validation/is-bounded-string.decorator.js';
import { MAX_DEVICE_ID_LENGTH } from '../reading.js';

const DEVICE_ID = /^[A-Za-z0-9._-]+$/;

/** 1 to 64 characters, each a letter, a digit, a dot, an underscore or a hyphen. */
export function IsDeviceId(): PropertyDecorator {
  return IsBoundedString({
    name: 'isDeviceId',
    maxLength: MAX_DEVICE_ID_LENGTH,
    accepts: text => DEVICE_ID.test(text),
    message: `$property must be 1 to ${MAX_DEVICE_ID_LENGTH} letters, digits, dots, underscores or hyphens`,
  });
}
