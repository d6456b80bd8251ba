// A service with the library's defaults, for tests that attack it. Options come as JSON in OPTIONS.
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { ServerZmq } from 'nestjs-zeromq';

class VictimController {
  echo(data) {
    return data;
  }

  async slow(ms) {
    await new Promise(resolve => setTimeout(resolve, ms));
    return ms;
  }

  burn(ms) {
    for (const end = performance.now() + ms; performance.now() < end;);
    return ms;
  }

  whoami(_data, context) {
    return context.getPeer().id;
  }
}

function handler(name) {
  const descriptor = Object.getOwnPropertyDescriptor(VictimController.prototype, name);
  MessagePattern(name)(VictimController.prototype, name, descriptor);
}

Controller()(VictimController);
for (const name of ['echo', 'slow', 'burn', 'whoami']) handler(name);
Payload()(VictimController.prototype, 'whoami', 0);
Ctx()(VictimController.prototype, 'whoami', 1);
class VictimModule {}
Module({ controllers: [VictimController] })(VictimModule);

const strategy = new ServerZmq(JSON.parse(process.env.OPTIONS ?? '{}'));
strategy.on('violation', violation => process.connected && process.send({ kind: 'violation', violation }));
const app = await NestFactory.createMicroservice(VictimModule, { strategy });
app.enableShutdownHooks();
await app.listen();
process.send({ kind: 'listening', endpoint: strategy.endpoints[0] });
process.on('disconnect', () => process.exit(0));
