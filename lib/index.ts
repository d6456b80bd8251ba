export { ClientZmq } from './client/client-zmq.js';
export type { ZmqClientEvents } from './client/client-events.js';
export { ZMQ_ERROR_CODES, type ZmqErrorCode } from './errors/error-codes.js';
export { ZmqException, type ZmqErrorObject, type ZmqExceptionOptions } from './errors/zmq.exception.js';
export type { SheddingReason } from './limits/shedding.js';
export { OnZmqViolation } from './module/on-zmq-violation.decorator.js';
export { ZmqEvents, type ZmqLimitChange, type ZmqRateLimitStoreChange } from './module/zmq-events.js';
export type { ZmqModuleLimitChanges, ZmqModuleLimits } from './module/module-limits.js';
export { ZmqLimits } from './module/zmq-limits.js';
export type {
  ZmqModuleAsyncOptions,
  ZmqModuleExtras,
  ZmqModuleOptions,
  ZmqRateLimitsOptions,
} from './module/zmq-module-options.js';
export { ZmqModule } from './module/zmq.module.js';
export type { ZmqClientStats } from './monitoring/client-counters.js';
export type { ZmqHandlerStats, ZmqServerStats } from './monitoring/server-counters.js';
export type { ZmqViolation, ZmqViolationAction, ZmqViolationId, ZmqViolationKind } from './limits/violation.js';
export type {
  ZmqAuthenticator,
  ZmqCredentials,
  ZmqIdentity,
  ZmqMechanism,
  ZmqPeerCertificate,
} from './options/authenticator.js';
export type { Bytes } from './options/bytes.js';
export type { ZmqPlainOptions, ZmqSignaturesOptions, ZmqSigningOptions } from './options/credential-options.js';
export type { ZmqClientCurveOptions, ZmqServerCurveOptions } from './options/curve-options.js';
export type {
  ZmqBanOptions,
  ZmqGateOptions,
  ZmqPolicyKind,
  ZmqRateOptions,
  ZmqViolationPolicy,
} from './options/gate-options.js';
export type {
  ZmqClientLimits,
  ZmqClientOptions,
  ZmqEncoding,
  ZmqEngine,
  ZmqHeartbeatOptions,
  ZmqReconnectOptions,
} from './options/client-options.js';
export {
  ZMQ_DEFAULT_CONCURRENCY,
  ZMQ_DEFAULT_CONNECT_TIMEOUT,
  ZMQ_DEFAULT_ENDPOINT,
  ZMQ_DEFAULT_MAX_MEMORY_BUDGET,
  ZMQ_DEFAULT_MAX_MESSAGE_SIZE,
  ZMQ_DEFAULT_STREAM_WINDOW,
  ZMQ_DEFAULT_TIMEOUT,
} from './options/defaults.js';
export type { ZmqIdentityOptions } from './options/identity-options.js';
export type { ZmqListenerChanges, ZmqListenerLimits } from './options/listener-changes.js';
export type { ZmqListenerOptions } from './options/listener-options.js';
export type { ZmqRetryOptions } from './options/retry-options.js';
export type {
  ZmqConcurrencyOptions,
  ZmqLiveServerOptions,
  ZmqServerLimits,
  ZmqServerOptions,
} from './options/server-options.js';
export type { ZmqSheddingOptions } from './options/shedding-options.js';
export type { ZmqKeepaliveOptions, ZmqSocketOptions } from './options/socket-options.js';
export type {
  ZmqCertificateOptions,
  ZmqClientTlsOptions,
  ZmqServerTlsOptions,
  ZmqTlsVersion,
} from './options/tls-options.js';
export { ZMQ_TRANSPORT, ZmqStatus } from './options/tokens.js';
export { AllowPeers } from './pipeline/allow-peers.decorator.js';
export { Concurrency, Priority, type ZmqHandlerConcurrencyOptions } from './pipeline/concurrency.decorator.js';
export type { ZmqFieldError } from './pipeline/field-errors.js';
export type { ZmqAccessRule, ZmqHandlerLimits, ZmqRateLimit } from './pipeline/handler-limits.js';
export type {
  ConcurrencyRule,
  HandlerRules,
  RateLimitRule,
  ZmqPriority,
  ZmqRateLimitKey,
  ZmqSizeViolationPolicy,
} from './pipeline/handler-rules.js';
export {
  MaxMessageSize,
  MaxResponseSize,
  type ZmqMaxMessageSizeOptions,
} from './pipeline/max-message-size.decorator.js';
export { PeerGuard } from './pipeline/peer.guard.js';
export { RateLimit, SkipRateLimit } from './pipeline/rate-limit.decorator.js';
export type { ZmqRateLimitStore } from './pipeline/rate-limit-store.js';
export { RateLimitGuard } from './pipeline/rate-limit.guard.js';
export { SizeViolationInterceptor } from './pipeline/size-violation.interceptor.js';
export type { ZmqSizeViolation, ZmqSizeViolationAction } from './pipeline/size-violation.js';
export type {
  ZmqSchemaValidationOptions,
  ZmqValidationLimits,
  ZmqValidationOptions,
} from './pipeline/validation-options.js';
export { ZmqSchemaValidationPipe } from './pipeline/zmq-schema-validation.pipe.js';
export { ZmqValidationPipe } from './pipeline/zmq-validation.pipe.js';
export { ZmqContext, type ZmqContextFields } from './pipeline/zmq.context.js';
export { ZmqPeer } from './pipeline/zmq-peer.decorator.js';
export type { AccessRule, AllowPeersRule } from './security/access-rules.js';
export type { ZmqDenial } from './server/denial-reports.js';
export type { ZmqLimitChanges, ZmqLimitsInForce } from './server/live-limits.js';
export type { ZmqOverload } from './server/load-shedding.js';
export type { ZmqServerEvents, ZmqTlsReload } from './server/server-events.js';
export { ServerZmq } from './server/server-zmq.js';
export { ZmqRecord, ZmqRecordBuilder } from './wire/record.js';
