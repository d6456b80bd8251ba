import type { CliIo } from '../cli-io.js';
import { FLAG, parseFlags, TEXT } from '../parse-flags.js';
import { diagnose } from './diagnosis.js';
import { doctorHelp } from './doctor-help.js';
import { reportJson, reportText } from './doctor-report.js';
import { readServerOptions } from './options-file.js';

/**
 * `nestjs-zeromq doctor`: what a server would run with, and what is wrong with it.
 *
 * @throws {@link UsageError} that names the flag, or the file.
 */
export async function runDoctor(args: readonly string[], io: CliIo): Promise<number> {
  const flags = parseFlags(args, { options: TEXT, json: FLAG, help: { ...FLAG, short: 'h' } });
  if (flags.help) {
    io.out(doctorHelp());
    return 0;
  }
  const given = flags.options === undefined ? undefined : await readServerOptions(flags.options);
  const diagnosis = await diagnose(given);
  io.out(flags.json ? reportJson(diagnosis) : reportText(diagnosis, flags.options ?? 'the defaults'));
  return diagnosis.findings.some(({ level }) => level === 'error') ? 1 : 0;
}
