// A service in a process of its own, for tests that kill it. Plain JavaScript, so that Node runs it as it is.
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import { ServerZmq } from 'nestjs-zeromq';

class EchoController {
  echo(data) {
    return data;
  }

  async slow(ms) {
    await new Promise(resolve => setTimeout(resolve, ms));
    return ms;
  }
}

function handler(pattern, name) {
  const descriptor = Object.getOwnPropertyDescriptor(EchoController.prototype, name);
  MessagePattern(pattern)(EchoController.prototype, name, descriptor);
}

Controller()(EchoController);
handler('echo', 'echo');
handler('slow', 'slow');
class EchoModule {}
Module({ controllers: [EchoController] })(EchoModule);

const strategy = new ServerZmq({ bind: process.env.BIND });
const app = await NestFactory.createMicroservice(EchoModule, { strategy, logger: false });
app.enableShutdownHooks();
await app.listen();
process.send({ endpoint: strategy.endpoints[0] });
