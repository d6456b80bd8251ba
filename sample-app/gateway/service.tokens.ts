/** Injects the `ClientZmq` that is connected to the telemetry service. */
export const SERVICE = Symbol('SERVICE');

/** Injects the `ServiceConnection`: where the telemetry service listens, and what is shown to it. */
export const SERVICE_CONNECTION = Symbol('SERVICE_CONNECTION');
