"""Calls the service as a DEALER, which may have several requests under way. Prints what it received as JSON.

usage: dealer.py <endpoint> <call>
"""

import base64
import json
import sys

import zmq

WAIT_MS = 5000


def connect(endpoint):
    dealer = zmq.Context.instance().socket(zmq.DEALER)
    dealer.linger = 0
    dealer.rcvtimeo = WAIT_MS
    dealer.connect(endpoint)
    return dealer


def answers(dealer):
    """All answers to one request: each has a value, and the last one says that it is the last."""
    received = []
    while not received or not received[-1].get("isDisposed"):
        received.append(dealer.recv_json())
    return received


def echo(dealer):
    dealer.send_json({"id": "1", "pattern": "echo", "data": {"hello": ["wörld", None, 1.5]}})
    return answers(dealer)


def ingest(dealer):
    reading = {"deviceId": "python-dealer", "metric": "temperature", "value": 21.5}
    dealer.send_json({"id": "2", "pattern": "telemetry.ingest", "data": reading})
    return answers(dealer)


def event(dealer):
    reading = {"deviceId": "python-event", "metric": "wind", "value": 3}
    dealer.send_json({"pattern": "telemetry.reading", "data": reading})
    dealer.send_json({"id": "3", "pattern": "telemetry.stats", "data": {"deviceId": "python-event"}})
    return answers(dealer)


def stream(dealer):
    dealer.send_json({"id": "4", "pattern": {"cmd": "count"}, "data": 3})
    return answers(dealer)


def cancel(dealer):
    dealer.send_json({"id": "5", "pattern": "count for ever", "data": {}})
    before = [dealer.recv_json() for _ in range(3)]
    dealer.send_json({"id": "5", "cancel": True})
    dealer.send_json({"id": "6", "pattern": "echo", "data": "after"})
    answer = dealer.recv_json()
    while answer["id"] == "5":  # What was on its way when the cancel left.
        answer = dealer.recv_json()
    return {"before": before, "answer": answer, "more": bool(dealer.poll(200))}


def binary(dealer):
    data = {"$base64": base64.b64encode(bytes(range(256))).decode()}
    dealer.send_json({"id": "7", "pattern": "reversed bytes", "data": data})
    (answer,) = answers(dealer)
    return list(base64.b64decode(answer["response"]["$base64"]))


def batch(dealer):
    dealer.send_json([{"id": str(i), "pattern": "echo", "data": i} for i in range(3)])
    return [dealer.recv_json() for _ in range(3)]


def metadata(dealer):
    dealer.send_json({"id": "8", "pattern": "metadata", "data": {}, "metadata": {"tenant": "a"}})
    return answers(dealer)


def void(dealer):
    dealer.send_json({"id": "9", "pattern": "void", "data": {}})
    return answers(dealer)


def invalid(dealer):
    dealer.send_json({"id": "10", "pattern": "telemetry.ingest", "data": {"deviceId": "a b", "metric": "wind", "value": 1}})
    return answers(dealer)


def refused(dealer):
    dealer.send_json({"id": "11", "pattern": "refused", "data": {}})
    return answers(dealer)


def unknown(dealer):
    dealer.send_json({"id": "12", "pattern": "nobody", "data": {}})
    return answers(dealer)


def late(dealer):
    dealer.send_json({"id": "13", "pattern": "never", "data": {}, "timeout": 50})
    return answers(dealer)


def malformed(dealer):
    dealer.send_string('{"id": "14", "pattern": ')
    first = dealer.recv_json()
    dealer.send_json({"id": "15", "pattern": "echo", "data": "alive"})
    return [first, dealer.recv_json()]


if __name__ == "__main__":
    _, endpoint, call = sys.argv
    print(json.dumps(globals()[call](connect(endpoint))))
