import type { Attack } from './attack.js';
import { oversizedFrame } from './attacks/a01-oversized-frame.js';
import { endlessMultipart } from './attacks/a02-endless-multipart.js';
import { tinyMessages } from './attacks/a03-tiny-messages.js';
import { partials, slowDrip } from './attacks/a04-slow-drip.js';
import { handshakeStall } from './attacks/a05-handshake-stall.js';
import { connectionFlood } from './attacks/a06-connection-flood.js';
import { slowHandler } from './attacks/a07-slow-handler.js';
import { slowReader } from './attacks/a08-slow-reader.js';
import { subscriptionFlood } from './attacks/a10-subscriptions.js';
import { commandFlood } from './attacks/a11-commands.js';
import { badGreetings } from './attacks/a12-greetings.js';
import { claimedIdentity } from './attacks/a13-claimed-identity.js';
import { reconnectStorm } from './attacks/a15-reconnects.js';
import { jsonBombs } from './attacks/a16-json-bombs.js';
import { msgpackBombs } from './attacks/a17-msgpack-bombs.js';
import { batchBomb } from './attacks/a18-batch-bomb.js';
import { everNewPatterns } from './attacks/a19-patterns.js';
import { correlationIds } from './attacks/a21-correlation-ids.js';
import { prototypeKeys } from './attacks/a22-prototype-keys.js';
import { logFlood } from './attacks/a23-log-flood.js';
import { handshakeFlood } from './attacks/a26-handshake-flood.js';
import { costlyHandlers } from './attacks/a28-costly-handlers.js';

/** Every attack of the drill, by the numbers of the attack catalogue. */
export const CATALOGUE: readonly Attack[] = Object.freeze([
  oversizedFrame,
  ...endlessMultipart,
  ...tinyMessages,
  slowDrip,
  handshakeStall,
  connectionFlood,
  slowHandler,
  slowReader,
  ...subscriptionFlood,
  ...commandFlood,
  badGreetings,
  claimedIdentity,
  reconnectStorm,
  jsonBombs,
  msgpackBombs,
  ...batchBomb,
  everNewPatterns,
  correlationIds,
  prototypeKeys,
  logFlood,
  handshakeFlood,
  costlyHandlers,
  partials,
]);

/** The attacks of a name: all variants of a number (`A2`), or the one of a full id (`A2-tiny`). Empty if there is none. */
export function attacksNamed(name: string): readonly Attack[] {
  const wanted = name.trim().toLowerCase();
  const exact = CATALOGUE.filter(({ id }) => id.toLowerCase() === wanted);
  const variants = CATALOGUE.filter(({ id }) => id.toLowerCase().startsWith(`${wanted}-`));
  return [...exact, ...variants];
}
