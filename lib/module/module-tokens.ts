/** Token of the checked options of `ZmqModule`. */
export const ZMQ_MODULE_OPTIONS = Symbol('ZMQ_MODULE_OPTIONS');
/** Token of the pipe that the module registers for the whole application. */
export const ZMQ_PIPE = Symbol('ZMQ_PIPE');
/** Token of what says who peers are, if the application has anything of the kind. */
export const ZMQ_AUTHENTICATOR = Symbol('ZMQ_AUTHENTICATOR');
/** Token of what counts rates across processes, if anything does. */
export const ZMQ_SHARED_RATES = Symbol('ZMQ_SHARED_RATES');
