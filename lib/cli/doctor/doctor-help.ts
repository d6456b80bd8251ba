export function doctorHelp(): string {
  return `Usage: nestjs-zeromq doctor [options]

Looks at what a server would run with, and tells what is wrong: versions and their known flaws, options in force, how the
memory budget is shared out, who can reach which endpoint and what protects it, keys and certificates. It opens no port.
Run it where and as whom the server runs. Secrets are not printed.

  --options <file>  options of the server: a .json file, or a .js, .mjs or .cjs module whose default export they are
                    (default: the options that a server has without any)
  --json            one JSON object instead of text

Exit code: 0 nothing wrong, warnings perhaps; 1 a server would not start or not be safe; 2 wrong usage.
`;
}
