import { isISO8601 } from 'class-validator';
import { IsBoundedString } from './is-bounded-string.decorator.js';

const MAX_LENGTH = 35;

/** A calendar date of ISO 8601, with or without a time: `2012-01-31`, `2012-01-31T13:00:00Z`. */
export function IsIsoDate(): PropertyDecorator {
  return IsBoundedString({
    name: 'isIsoDate',
    maxLength: MAX_LENGTH,
    // ISO 8601 also has dates such as 2012-W05-2, which JavaScript cannot read.
    accepts: text => isISO8601(text, { strict: true }) && !Number.isNaN(Date.parse(text)),
    message: '$property must be an ISO 8601 date such as 2012-01-31T13:00:00Z',
  });
}
