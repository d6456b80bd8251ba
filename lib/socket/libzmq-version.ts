import { capability, version } from 'zeromq';

/** Version of the libzmq that zeromq.js was built with, e.g. `4.3.5`. */
export const libzmqVersion: string = version;

/** What that libzmq was built with, e.g. `['ipc', 'curve']`, in the order of the alphabet. */
export const libzmqCapabilities: readonly string[] = Object.freeze(
  Object.entries(capability)
    .flatMap(([name, isThere]) => (isThere ? [name] : []))
    .sort(),
);
