#!/usr/bin/python3
"""Clients of `vringtop export` for tests/vm/72-export.t. Usage: export_clients.py PORT WHAT [NUMBER]

Prints what came of it, a line. WHAT:
    get PATH [HEADER...]   the answer's body, after a line with its status and type
    slow N SECONDS         N clients that send half a request, N that never read, one that sends a byte a
                           second: how long a scrape takes beside them, and who is still connected after
                           these seconds; on a busy machine up to a minute later
    vanish N               N clients that reset their connection in the middle of a request or an answer
"""
import socket
import struct
import sys
import time
import urllib.error
import urllib.request

port, what, *rest = int(sys.argv[1]), *sys.argv[2:]
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: text/plain\r\n\r\n"


def connect():
    return socket.create_connection(("127.0.0.1", port), timeout=300)


def get(path, *headers):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
    for header in headers:
        request.add_header(*header.split(": ", 1))
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            return answer.status, answer.headers.get("Content-Type"), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Content-Type"), error.read()


def scrape():
    begin = time.monotonic()
    status, _, body = get("/metrics")
    assert status == 200 and body.endswith(b"\n")
    return time.monotonic() - begin, body


def is_closed(client):
    """Whether the other side has closed a connection, once what it sent is read."""
    client.settimeout(0)
    try:
        while client.recv(1 << 16):
            pass
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def slow(number, seconds):
    clients = []
    for n in range(2 * number):
        client = connect()
        if n % 2:
            # A small window, so that the answer does not fit into it.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.sendall(REQUEST if n % 2 else REQUEST[:10])
        clients.append(client)
    drip = connect()
    begin, longest, sent = time.monotonic(), 0, 0

    def connected():
        return sum(not is_closed(client) for client in clients[::2]), not is_closed(drip)

    while time.monotonic() - begin < seconds or (connected() != (0, False) and time.monotonic() - begin < seconds + 60):
        longest = max(longest, scrape()[0])
        try:
            drip.sendall(REQUEST[sent % 4:sent % 4 + 1])
            sent += 1
        except OSError:
            pass
        time.sleep(1)
    halves, drips = connected()
    print(f"scrapes: {'fast' if longest < 5 else longest};",
          f"connected: {halves} of half a request, {int(drips)} of bytes")


def vanish(number):
    for n in range(number):
        client = connect()
        client.sendall(REQUEST[:n % (len(REQUEST) + 1)])
        # No goodbye: the connection is reset.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    print(get("/healthz"))


if what == "get":
    status, kind, body = get(*rest)
    print(status, kind)
    sys.stdout.flush()
    sys.stdout.buffer.write(body)
elif what == "slow":
    slow(int(rest[0]), int(rest[1]))
elif what == "vanish":
    vanish(int(rest[0]))
