import { ClientZmq, ZmqException } from 'nestjs-zeromq';
import { parseArgs } from 'node:util';
import { runProgram } from './processes/server-program.js';
import { serviceConnection } from './security/connection.js';
import { IDENTITIES, isIdentityName } from './security/identities.js';
import { clientSettings, FLAGS } from './settings.js';

const USAGE = `Usage: node dist/sample-app/call.main.js [--secure] [--as ${Object.keys(IDENTITIES).join('|')}] <pattern> [<data as JSON>]`;

/** Calls the service from the command line: `--as admin telemetry.forget '{"deviceId":"seattle"}'`. */
await runProgram(async () => {
  const options = { ...FLAGS, as: { type: 'string' } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [pattern, data = '{}'] = positionals;
  const { as } = values;
  if (pattern === undefined || (as !== undefined && !isIdentityName(as))) {
    throw new Error(USAGE);
  }
  const settings = clientSettings(process.env, { secure: values.secure || as !== undefined });
  const client = new ClientZmq(serviceConnection(settings, as));
  try {
    for await (const value of client.stream(pattern, JSON.parse(data))) {
      console.log(JSON.stringify(value));
    }
  } catch (error) {
    throw error instanceof ZmqException ? new Error(`${error.code}: ${error.message}`, { cause: error }) : error;
  } finally {
    await client.close();
  }
});
