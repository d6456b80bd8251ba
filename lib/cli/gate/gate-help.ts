export function gateHelp(): string {
  return `Usage: nestjs-zeromq gate --listen tcp://127.0.0.1:5555 --forward ipc:///run/app.sock [options]

Stands in front of a ZeroMQ service in any language. Peers connect to the gate as if it were the service. A message is
handed on when it is complete and within the limits; until then, and while the service is slow, it is held within a
budget of memory, and whoever sends too much waits.

  --listen <endpoint>         where peers connect, tcp://host:port or tls://host:port; may be given several times
  --forward <endpoint>        where the service has bound, tcp://host:port or ipc://path
  --type <type>               what the service is: router, rep, pull or sub (default: router)
  --config <file>             JSON with all of this and more, see docs/gate.md; flags come before it

  --tls-cert <file>           certificate for tls:// endpoints, PEM
  --tls-key <file>            its key; nobody else may have rights to the file
  --tls-ca <file>             who signs the certificates of peers, which they must show then
  --allow <network>           from where alone peers may come, such as 10.0.0.0/8; may be given several times
  --deny <network>            from where they may not, whatever is allowed; may be given several times
  --allow-insecure            listens without TLS even where other machines can reach it

  --memory-budget <bytes>     what the gate may hold for all peers together (default: 64mb)
  --max-message-size <bytes>  longest message of a peer (default: 1mb)
  --drain-timeout <ms>        how long what is under way may take when the gate is stopped (default: 10000)
  --status-interval <s>       seconds between two status lines, 0 for none (default: 60)
  --json                      one JSON object a line instead of text

Signals: SIGHUP reads the config file again and takes over limits, identities, access lists and certificates. SIGTERM and
SIGINT let what is under way finish and stop; a second one stops at once.

Exit code: 0 stopped, 1 an endpoint cannot be bound or has failed, 2 wrong flags or config file.
`;
}
