import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { ZmqException } from '../errors/zmq.exception.js';
import type { ZmqAuthenticator } from '../options/authenticator.js';
import { invalid } from '../options/fields.js';
import { SizeViolationInterceptor } from '../pipeline/size-violation.interceptor.js';
import { ZMQ_AUTHENTICATOR } from './module-tokens.js';

/**
 * With an interceptor or authenticator that is made for each request the module would be so as well, and thus never: nobody
 * would keep its limits, without a word. So this depends on nothing of the application. (Options of such a kind are refused
 * by Nest.)
 */
@Injectable()
export class ScopeCheck implements OnModuleInit {
  constructor(private readonly moduleRef: ModuleRef) {}

  /** @throws {@link ZmqException} `INVALID_OPTIONS` */
  onModuleInit(): void {
    this.madeOnce(SizeViolationInterceptor, 'sizeViolationInterceptor');
    const authenticator = this.madeOnce<Partial<ZmqAuthenticator> | undefined>(ZMQ_AUTHENTICATOR, 'authenticator');
    if (authenticator !== undefined && typeof authenticator.authenticate !== 'function') {
      throw invalid('The authenticator of ZmqModule must have a method authenticate().');
    }
  }

  private madeOnce<T>(token: Parameters<ModuleRef['get']>[0], option: string): T {
    try {
      return this.moduleRef.get<T>(token);
    } catch (cause) {
      throw new ZmqException(
        'INVALID_OPTIONS',
        `The ${option} of ZmqModule, and what it injects, must be made once, and neither for each request nor transient.`,
        { cause },
      );
    }
  }
}
