import type { FuzzTarget } from './fuzz-target.js';
import { target as batch } from './targets/batch.js';
import { target as commands } from './targets/commands.js';
import { target as frames } from './targets/frames.js';
import { target as gate } from './targets/gate.js';
import { target as handshake } from './targets/handshake.js';
import { target as json } from './targets/json.js';

export const TARGETS = { frames, handshake, commands, batch, json, gate } as const satisfies Record<string, FuzzTarget>;

export type TargetName = keyof typeof TARGETS;

export const TARGET_NAMES = Object.keys(TARGETS) as TargetName[];
