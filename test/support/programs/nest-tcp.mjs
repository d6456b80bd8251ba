// A service on Nest's own TCP transport, as a measure of what its events cost in log lines.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { createServer } from 'node:net';

class NestTcpModule {}
Module({})(NestTcpModule);

const probe = createServer().listen(0, '127.0.0.1');
await new Promise(resolve => probe.once('listening', resolve));
const { port } = probe.address();
await new Promise(resolve => probe.close(resolve));
const options = { transport: Transport.TCP, options: { host: '127.0.0.1', port } };
const app = await NestFactory.createMicroservice(NestTcpModule, options);
await app.listen();
process.send({ kind: 'listening', endpoint: `tcp://127.0.0.1:${port}` });
process.on('disconnect', () => process.exit(0));
