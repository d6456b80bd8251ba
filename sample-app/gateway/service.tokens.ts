/** Injects the `ClientZmq` that is connected to the telemetry service. */
export const SERVICE = Symbol('SERVICE');

/** Injects where the telemetry service listens, e.g. `tcp://127.0.0.1:5555`. */
export const SERVICE_URL = Symbol('SERVICE_URL');
