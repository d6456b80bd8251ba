"""Says hello as a DEALER with CURVE. Prints as JSON what comes back, or how the handshake failed.

usage: curve.py <endpoint> <server's public key> <public key> <secret key>
"""

import json
import sys

import zmq
from zmq.utils.monitor import recv_monitor_message

WAIT_MS = 5000
FAILURES = {
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "auth",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "protocol",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "other",
}


def main(endpoint, server_key, public_key, secret_key):
    dealer = zmq.Context.instance().socket(zmq.DEALER)
    dealer.linger = 0
    dealer.curve_serverkey = server_key.encode()
    dealer.curve_publickey = public_key.encode()
    dealer.curve_secretkey = secret_key.encode()
    monitor = dealer.get_monitor_socket()
    dealer.connect(endpoint)
    dealer.send(b"hello")
    poller = zmq.Poller()
    poller.register(dealer, zmq.POLLIN)
    poller.register(monitor, zmq.POLLIN)
    while True:
        ready = dict(poller.poll(WAIT_MS))
        if not ready:
            return {"failed": "timeout"}
        if dealer in ready:
            return {"received": dealer.recv_string()}
        event = recv_monitor_message(monitor)
        if event["event"] in FAILURES:
            return {"failed": FAILURES[event["event"]], "value": event["value"]}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
