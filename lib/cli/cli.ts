import { readFileSync } from 'node:fs';
import { textOf } from '../errors/text-of.js';
import type { CliIo } from './cli-io.js';
import { UsageError } from './usage-error.js';

interface Command {
  readonly summary: string;
  /** Loads the command only when it is asked for; resolves to its exit code. */
  run(args: readonly string[], io: CliIo): Promise<number>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  drill: {
    summary: 'attack a service of your own on this machine, and see whether it holds',
    run: async (args, io) => (await import('./drill/drill-command.js')).runDrill(args, io),
  },
  gate: {
    summary: 'stand in front of a ZeroMQ service in any language, and keep its peers to limits',
    run: async (args, io) => (await import('./gate/gate-command.js')).runGate(args, io),
  },
  doctor: {
    summary: 'tell what a server would run with, and what is wrong with it',
    run: async (args, io) => (await import('./doctor/doctor-command.js')).runDoctor(args, io),
  },
  keygen: {
    summary: 'make CURVE keys, certificates for development, hashes of passwords, and keys for signatures',
    run: async (args, io) => (await import('./keygen/keygen-command.js')).runKeygen(args, io),
  },
};

/** The program behind `nestjs-zeromq`; resolves to the exit code: 0 well, 1 failed, 2 wrong usage. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') {
    io.out(help());
    return 0;
  }
  if (name === '--version' || name === '-v') {
    io.out(version());
    return 0;
  }
  try {
    return await commandNamed(name).run(rest, io);
  } catch (error) {
    if (error instanceof UsageError) {
      io.err(
        `${error.message}\nSee nestjs-zeromq ${name !== undefined && Object.hasOwn(COMMANDS, name) ? `${name} ` : ''}--help.`,
      );
      return 2;
    }
    io.err(textOf(error));
    return 1;
  }
}

function commandNamed(name: string | undefined): Command {
  if (name === undefined) {
    throw new UsageError(`A command is missing: ${commandNames('or')}.`);
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    throw new UsageError(`There is no command '${name}', only ${commandNames('and')}.`);
  }
  return command;
}

function commandNames(conjunction: 'and' | 'or'): string {
  return new Intl.ListFormat('en-GB', { type: conjunction === 'and' ? 'conjunction' : 'disjunction' }).format(
    Object.keys(COMMANDS),
  );
}

function help(): string {
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(8)}${summary}`);
  return `Usage: nestjs-zeromq <command> [options]\n\nCommands:\n${lines.join('\n')}\n\nnestjs-zeromq <command> --help tells more. --version prints the version.\n`;
}

function version(): string {
  const manifest = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
