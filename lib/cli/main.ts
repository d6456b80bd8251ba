#!/usr/bin/env node
import { runCli } from './cli.js';

const stop = new AbortController();
// Once only: a second signal ends the program at once, should a command not listen.
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());

process.exitCode = await runCli(process.argv.slice(2), {
  out: text => process.stdout.write(lines(text)),
  err: text => process.stderr.write(lines(text)),
  isTTY: process.stdout.isTTY,
  signal: stop.signal,
  onReload: callback => process.on('SIGHUP', callback),
});

function lines(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
