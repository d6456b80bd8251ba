"""Calls the service as a REQ, which takes exactly one message for each that it sends. Prints what it received as JSON.

usage: request.py <endpoint> <call>
"""

import base64
import json
import sys

import zmq

WAIT_MS = 5000


def connect(endpoint):
    request = zmq.Context.instance().socket(zmq.REQ)
    request.linger = 0
    request.rcvtimeo = WAIT_MS
    request.connect(endpoint)
    return request


def ask(request, message):
    request.send_json(message)
    return request.recv_json()


def echo(request):
    return [ask(request, {"id": str(i), "pattern": "echo", "data": i}) for i in range(3)]


def ingest(request):
    reading = {"deviceId": "python-req", "metric": "humidity", "value": 40}
    return ask(request, {"id": "1", "pattern": "telemetry.ingest", "data": reading})


def stream(request):
    return ask(request, {"id": "2", "pattern": {"cmd": "count"}, "data": 3})


def binary(request):
    data = {"$base64": base64.b64encode(bytes(range(256))).decode()}
    answer = ask(request, {"id": "3", "pattern": "reversed bytes", "data": data})
    return list(base64.b64decode(answer["response"]["$base64"]))


def batch(request):
    return ask(request, [{"id": str(i), "pattern": "echo", "data": i} for i in range(3)])


def event(request):
    reading = {"deviceId": "python-req-event", "metric": "wind", "value": 4}
    acknowledged = ask(request, {"pattern": "telemetry.reading", "data": reading})
    stats = ask(request, {"id": "4", "pattern": "telemetry.stats", "data": {"deviceId": "python-req-event"}})
    return [acknowledged, stats]


def refused(request):
    return ask(request, {"id": "5", "pattern": "refused", "data": {}})


def broken_stream(request):
    return ask(request, {"id": "6", "pattern": "count, then fail", "data": 2})


def malformed(request):
    request.send_string("[")
    first = request.recv_json()
    return [first, ask(request, {"id": "7", "pattern": "echo", "data": "alive"})]


if __name__ == "__main__":
    _, endpoint, call = sys.argv
    print(json.dumps(globals()[call](connect(endpoint))))
