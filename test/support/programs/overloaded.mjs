// A service with a handler of known capacity, which tells how much memory it takes. Options come as JSON in OPTIONS.
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import { Concurrency, ServerZmq, ZmqModule } from 'nestjs-zeromq';

const { server, places, queue, workMs } = JSON.parse(process.env.OPTIONS);

class WorkController {
  async work(data) {
    await new Promise(resolve => setTimeout(resolve, workMs));
    return data;
  }
}

const method = Object.getOwnPropertyDescriptor(WorkController.prototype, 'work');
MessagePattern('work')(WorkController.prototype, 'work', method);
Concurrency(places, { queue })(WorkController.prototype, 'work', method);
Controller()(WorkController);
class WorkModule {}
Module({ controllers: [WorkController], imports: [ZmqModule.forRoot()] })(WorkModule);

const strategy = new ServerZmq(server);
const app = await NestFactory.createMicroservice(WorkModule, { strategy, logger: false });
await app.listen();
process.on('disconnect', () => process.exit(0));
// As many places that are never without work: what the handler could do in this process, on this machine, at this time.
let turns = 0;
const place = () => {
  turns++;
  setTimeout(place, workMs);
};
for (let index = 0; index < places; index++) place();
process.on('message', () =>
  process.send({ at: performance.now(), turns, rss: process.memoryUsage.rss(), stats: strategy.getStats() }),
);
process.send({ endpoint: strategy.endpoints[0] });
