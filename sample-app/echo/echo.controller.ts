import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { AllowPeers } from 'nestjs-zeromq';

/** Answers what it was sent, JSON as JSON and bytes as bytes: the first thing to call from a new client. */
@Controller()
@AllowPeers('anyone')
export class EchoController {
  @MessagePattern('echo')
  echo(@Payload() data: unknown): unknown {
    return data;
  }
}
