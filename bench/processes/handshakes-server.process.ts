import { ServerZmq } from 'nestjs-zeromq';
import { EventCounter } from '../peers/event-counter.js';
import { certificates } from '../peers/keys.js';
import { serveNest } from '../peers/nest-server.js';

const { caFile, server } = certificates();
const strategy = new ServerZmq({ bind: 'tls://127.0.0.1:*', tls: { ...server, caFile } });
await serveNest({ strategy }, new EventCounter());
process.send?.({ port: Number(strategy.endpoints[0]?.split(':').at(-1)) });
