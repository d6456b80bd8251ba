"""A peer on pyzmq in front of the gate. Prints what it got back as one line of JSON.

usage: gate-peer.py <dealer|req|push|pub> <endpoint>
"""

import json
import sys
import time

import zmq

WAIT_MS = 8000


def connect(kind, endpoint):
    socket = zmq.Context.instance().socket(kind)
    socket.linger = WAIT_MS
    socket.rcvtimeo = WAIT_MS
    # Taken for what it is: a claim. The gate does not pass it on.
    if kind == zmq.DEALER:
        socket.setsockopt(zmq.ROUTING_ID, b"admin")
    socket.connect(endpoint)
    return socket


def texts(frames):
    return [frame.decode() for frame in frames]


def dealer(endpoint):
    socket = connect(zmq.DEALER, endpoint)
    for number in range(3):
        socket.send_multipart([b"request", str(number).encode(), b""])
    return [texts(socket.recv_multipart()) for _ in range(3)]


def req(endpoint):
    socket = connect(zmq.REQ, endpoint)
    answers = []
    for number in range(3):
        socket.send(str(number).encode())
        answers.append(texts(socket.recv_multipart()))
    return answers


def push(endpoint):
    socket = connect(zmq.PUSH, endpoint)
    for number in range(100):
        socket.send(str(number).encode())
    # pyzmq does not wait at the end of a program, whatever the linger time says.
    socket.close()
    zmq.Context.instance().term()
    return "sent"


def pub(endpoint):
    socket = connect(zmq.PUB, endpoint)
    # What nobody has subscribed to yet is dropped by the publisher.
    end = time.monotonic() + 2
    while time.monotonic() < end:
        socket.send_multipart([b"weather", b"sunny"])
        socket.send_multipart([b"sports", b"3:0"])
        time.sleep(0.02)
    return "sent"


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](sys.argv[2])))
