"""A service on pyzmq behind the gate. It binds, says so with a line of JSON, and ends when its standard input does.

usage: gate-service.py <router|rep|pull|sub> <endpoint>

What it receives is printed as a line of JSON: the sender's routing id where there is one, and the frames.
"""

import json
import os
import sys
import threading

import zmq

TYPES = {"router": zmq.ROUTER, "rep": zmq.REP, "pull": zmq.PULL, "sub": zmq.SUB}


def say(**fields):
    print(json.dumps(fields), flush=True)


def end_with_input():
    sys.stdin.read()
    os._exit(0)


def main(kind, endpoint):
    socket = zmq.Context.instance().socket(TYPES[kind])
    if kind == "sub":
        socket.subscribe(b"weather")
    socket.bind(endpoint)
    say(bound=endpoint)
    while True:
        frames = socket.recv_multipart()
        sender = frames[0].hex() if kind == "router" else None
        body = frames[1:] if kind == "router" else frames
        say(sender=sender, frames=[frame[:100].decode("latin1") for frame in body])
        if kind == "router":
            socket.send_multipart([frames[0], b"answer", *body])
        elif kind == "rep":
            socket.send_multipart([b"answer", *body])


if __name__ == "__main__":
    threading.Thread(target=end_with_input, daemon=True).start()
    main(*sys.argv[1:])
