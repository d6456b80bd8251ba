export function keygenHelp(): string {
  return `Usage: nestjs-zeromq keygen <what> [options]

curve         a pair of CURVE keys
  --out <dir>               writes <name>.key, readable by you alone, and <name>.pub instead of printing them
  --name <name>             (default: server)
  --force                   overwrites files that are there
  --json                    one JSON object instead of text

tls-dev       certificates for development: an authority, a server's, and any number of clients'. Needs the package
              @peculiar/x509. The authority in the directory is used again, so that clients can be added later
  --out <dir>               where they are written; keys are readable by you alone
  --host <host>,...         names and addresses of the server (default: localhost,127.0.0.1,::1)
  --client <name>[:<role>]  a client's, with CN=<name> and OU=<role>; may be given several times
  --days <days>             for how long they hold (default: 30)
  --force                   makes anew what is there, but for the authority
  --json                    one JSON object instead of text

plain-hash    the hash of a password, for passwordHash of an identity. The password comes from standard input, and is not
              shown; it cannot be given as an argument, where every user of the machine could read it

signing-key   a key for signing requests: 32 random bytes in base64url

Exit code: 0 done, 1 failed, 2 wrong usage.
`;
}
