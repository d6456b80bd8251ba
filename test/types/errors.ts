import { ZMQ_ERROR_CODES, ZMQ_TRANSPORT, ZmqException, type ZmqErrorCode } from 'nestjs-zeromq';

const error = new ZmqException('OVERLOADED', 'Try again later.', { details: { limit: 1 }, cause: new Error('why') });
void (error satisfies Error);
void (error.code satisfies string);
void (error.retryable satisfies boolean);
void (ZMQ_ERROR_CODES satisfies readonly ZmqErrorCode[]);
void (ZMQ_TRANSPORT satisfies symbol);

// An application's own code is as good as one of the library's.
void new ZmqException('NOT_FOUND', 'No such device.');

const code: ZmqErrorCode = 'MALFORMED';
void code;
// @ts-expect-error not a code of this library
const unknownCode: ZmqErrorCode = 'NOT_FOUND';
void unknownCode;
// @ts-expect-error an error's code is read-only
error.code = 'INTERNAL';
// @ts-expect-error details are unknown until checked
void error.details.limit;
