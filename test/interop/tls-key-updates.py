"""A peer of TLS 1.3 that changes its keys without end, by libssl itself: no library of Python's own does that.

Arguments: port, number of changes. Prints how many it could send, as JSON.
"""
import ctypes
import ctypes.util
import json
import os
import socket
import sys

SSL_KEY_UPDATE_REQUESTED = 1
READY = b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32)

ssl = ctypes.CDLL(ctypes.util.find_library("ssl"))
for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
    getattr(ssl, name).restype = ctypes.c_void_p


def main() -> None:
    port, count = int(sys.argv[1]), int(sys.argv[2])
    # What is written fails with a signal once the other side has left.
    sock = socket.create_connection(("127.0.0.1", port))
    context = ctypes.c_void_p(ssl.SSL_CTX_new(ctypes.c_void_p(ssl.TLS_client_method())))
    connection = ctypes.c_void_p(ssl.SSL_new(context))
    ssl.SSL_set_fd(connection, sock.fileno())
    if ssl.SSL_connect(connection) != 1:
        sys.exit("no TLS")
    hello = GREETING + bytes([4, len(READY)]) + READY
    ssl.SSL_write(connection, hello, len(hello))
    sent = 0
    while sent < count:
        if ssl.SSL_key_update(connection, SSL_KEY_UPDATE_REQUESTED) != 1 or ssl.SSL_do_handshake(connection) != 1:
            break
        sent += 1
    print(json.dumps({"sent": sent}))
    # Nothing of libssl needs to be taken down.
    sys.stdout.flush()
    os._exit(0)


main()
