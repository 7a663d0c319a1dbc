#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sends the same request again and again over one keep-alive connection and checks every reply.

    bench/http1_client.py --port N --endpoint a|b|c|c-loop|c-sync|c-diamond|d [--requests N] [--pipeline DEPTH]

The bytes are the least that HTTP/1.1 allows: a Host, for c the x-token, for d the type and length of item.json:

    GET /items/42?q=abc HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nx-token: fake\\r\\n\\r\\n

Each batch of DEPTH requests (1 unless told) is sent at once and its replies are awaited before the next. Python is
light enough: only the server is measured, and it runs apart.
"""
import argparse
import json
import pathlib
import socket
import ssl
import sys
from dataclasses import dataclass

ITEM = (pathlib.Path(__file__).parent / "item.json").read_bytes()
READ = {"item_id": 42, "q": "abc", "user": "alice", "n": 8}


class WrongReply(Exception):
    """The server answered something else than the endpoint's one right reply."""


@dataclass(frozen=True)
class Endpoint:
    request: bytes
    reply: object  # bytes, or what the JSON must mean.
    floor: str  # The floor's endpoint that does the same for the client.

    def accepts(self, body: bytes) -> bool:
        try:
            return body == self.reply if isinstance(self.reply, bytes) else json.loads(body) == self.reply
        except ValueError:
            return False


def get(target: str, *fields: str) -> bytes:
    return "\r\n".join([f"GET {target} HTTP/1.1", "Host: 127.0.0.1", *fields, "", ""]).encode()


def post(target: str, body: bytes) -> bytes:
    fields = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
    return f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}\r\n\r\n".encode() + body


ENDPOINTS = {
    "a": Endpoint(get("/plaintext"), b"Hello, World!", "a"),
    "b": Endpoint(get("/json"), {"message": "Hello, World!"}, "b"),
    "c": Endpoint(get("/items/42?q=abc", "x-token: fake"), READ, "c"),
    "c-loop": Endpoint(get("/items-loop/42?q=abc", "x-token: fake"), READ, "c"),
    "c-sync": Endpoint(get("/items-sync/42?q=abc", "x-token: fake"), READ, "c"),
    "c-diamond": Endpoint(get("/items-diamond/42?q=abc", "x-token: fake"), READ, "c"),
    "d": Endpoint(post("/items", ITEM), {"name": "Walnut standing desk", "price": 1249.5}, "d"),
}


class Client:
    def __init__(self, port: int, tls: ssl.SSLContext | None = None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket)
        self.input = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data: bytes):
        self.socket.sendall(data)

    def read_more(self):
        more = self.socket.recv(65536)
        if not more:
            raise WrongReply(f"the connection was closed after {self.input!r}")
        self.input += more

    def receive(self) -> tuple[int, bytes]:
        """The next reply's status and body."""
        while (end := self.input.find(b"\r\n\r\n")) < 0:
            self.read_more()
        status_line, *fields = self.input[:end].decode("latin-1").split("\r\n")
        lengths = [int(field.split(":")[1]) for field in fields if field.lower().startswith("content-length:")]
        if len(lengths) != 1:
            raise WrongReply(f"not exactly one Content-Length: {self.input[:end]!r}")
        whole = end + 4 + lengths[0]
        while len(self.input) < whole:
            self.read_more()
        body, self.input = self.input[end + 4 : whole], self.input[whole:]
        return int(status_line.split(" ")[1]), body


def serves(port: int, endpoint: Endpoint) -> bool:
    """One request: False for a 404, an error for anything else but the right reply."""
    with Client(port) as client:
        client.send(endpoint.request)
        status, body = client.receive()
        if status != 404:
            check(endpoint, status, body)
        return status != 404


def check(endpoint: Endpoint, status: int, body: bytes):
    if status != 200 or not endpoint.accepts(body):
        raise WrongReply(f"{status} {body!r} to {endpoint.request[:60]!r}")


def send_many(port: int, endpoint: Endpoint, requests: int, depth: int = 1):
    with Client(port) as client:
        for sent in range(0, requests, depth):
            batch = min(depth, requests - sent)
            client.send(endpoint.request * batch)
            for _ in range(batch):
                check(endpoint, *client.receive())
        if client.input:
            raise WrongReply(f"bytes after the last reply: {client.input!r}")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--endpoint", choices=ENDPOINTS, required=True)
    options.add_argument("--requests", type=int, default=1)
    options.add_argument("--pipeline", type=int, default=1, metavar="DEPTH")
    given = options.parse_args()
    try:
        send_many(given.port, ENDPOINTS[given.endpoint], given.requests, given.pipeline)
    except (OSError, WrongReply) as error:
        print(f"http1_client: {error}", file=sys.stderr)
        return 1
    print(f"{given.requests} replies, all right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
