"""Peers on pyzmq that do what they are told: each line of standard input is a call, each line of output its answer.

A call is {"call": number, "do": name, ...arguments}, its answer {"call": number, "value": any} or {"call": number,
"error": text}. What happens to a connection is told unasked: {"peer": number, "event": name}. Frames are base64.
"""

import base64
import hashlib
import json
import os
import random
import sys
import threading

import zmq
from zmq.utils.monitor import recv_monitor_message

WAIT_MS = 10_000
EVENTS = {
    zmq.EVENT_HANDSHAKE_SUCCEEDED: "connected",
    zmq.EVENT_DISCONNECTED: "disconnected",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "refused",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "refused",
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "refused",
}
context = zmq.Context.instance()
sockets = {}
lock = threading.Lock()


def say(**fields):
    with lock:
        print(json.dumps(fields), flush=True)


def encoded(frames):
    return [base64.b64encode(frame).decode() for frame in frames]


def watch(peer, monitor):
    monitor.linger = 0
    while True:
        event = recv_monitor_message(monitor)["event"]
        if event == zmq.EVENT_MONITOR_STOPPED:
            monitor.close()
            return
        if event in EVENTS:
            say(peer=peer, event=EVENTS[event])


def make(kind, endpoint):
    socket = context.socket(getattr(zmq, kind))
    socket.linger = WAIT_MS
    socket.rcvtimeo = socket.sndtimeo = WAIT_MS
    socket.reconnect_ivl = 50
    socket.ipv6 = endpoint.startswith("tcp://[")
    return socket


def open_peer(peer, type, endpoint, options):
    socket = sockets[peer] = make(type, endpoint)
    for name, value in options.items():
        setattr(socket, name, value.encode() if isinstance(value, str) else value)
    threading.Thread(target=watch, args=(peer, socket.get_monitor_socket()), daemon=True).start()
    socket.connect(endpoint)


def send(peer, messages):
    for frames in messages:
        sockets[peer].send_multipart([base64.b64decode(frame) for frame in frames])


def receive(peer, count):
    return [encoded(sockets[peer].recv_multipart()) for _ in range(count)]


def close(peer):
    socket = sockets.pop(peer)
    socket.disable_monitor()
    socket.close()


def crowd(endpoint, count):
    peers = [make("DEALER", endpoint) for _ in range(count)]
    for number, socket in enumerate(peers):
        socket.connect(endpoint)
        socket.send(str(number).encode())
    answers = [socket.recv().decode() for socket in peers]
    for socket in peers:
        socket.close()
    return answers


def bulk(peer, total, most, seed):
    """Sends bodies of all sizes behind their checksums and compares what comes back, both as fast as it goes."""
    socket = sockets[peer]
    dice = random.Random(seed)
    pool = dice.randbytes(2 * most)
    awaited = []
    sent = received = wrong = 0
    while sent < total or received < len(awaited):
        wanted = zmq.POLLIN | (zmq.POLLOUT if sent < total else 0)
        ready = socket.poll(WAIT_MS, wanted)
        if ready == 0:
            raise TimeoutError(f"{received} of {len(awaited)} answers after {sent} bytes")
        if ready & zmq.POLLIN:
            checksum, body = socket.recv_multipart()
            wrong += checksum != awaited[received] or hashlib.sha1(body).digest() != checksum
            received += 1
        if ready & zmq.POLLOUT:
            size = most if len(awaited) % 10 == 0 else int(most ** dice.random()) - 1
            at = dice.randrange(most)
            body = pool[at : at + size]
            awaited.append(hashlib.sha1(body).digest())
            sent += size
            socket.send_multipart([awaited[-1], body])
    return {"messages": received, "bytes": sent, "wrong": wrong}


CALLS = {function.__name__: function for function in (open_peer, send, receive, close, crowd, bulk)}

if __name__ == "__main__":
    for line in sys.stdin:
        arguments = json.loads(line)
        call = arguments.pop("call")
        try:
            say(call=call, value=CALLS[arguments.pop("do")](**arguments))
        except Exception as error:
            say(call=call, error=f"{type(error).__name__}: {error}")
    os._exit(0)
