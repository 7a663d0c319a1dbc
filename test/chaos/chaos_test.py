#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What hostile and broken clients do to a server: others are served meanwhile, and when it is over the server has its
memory and its descriptors back."""

import os
import resource
import select
import socket
import struct
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "examples"))
from program import Program  # noqa: E402

VICTIM = sys.argv.pop(1)
SLOW = sys.argv.pop(1) == "slow"  # Under a sanitizer: everything takes longer, and what is held is not known.
IDLE_CONNECTIONS = 10_000
PATIENCE = 0.4  # Seconds. Of the server, with heads, bodies and slow readers.
LONGEST = 5 if SLOW else 2  # Seconds that another client waits during an attack, on a shared machine.
POOLED = 2 << 20  # Bytes that the server may keep for reuse: that few threads' shelves of the BlockPool hold.
KIB = 1024


def get(target, more=""):
    return f"GET {target} HTTP/1.1\r\nHost: a\r\n{more}\r\n".encode()


def chunked(target):
    return f"POST {target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".encode()


def post(target, size):
    return f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode()


def status_of(reply):
    return int(reply.split(b" ", 2)[1]) if reply.startswith(b"HTTP/1.1 ") else None


class Client:
    def __init__(self, port, receive_buffer=0):
        self.socket = socket.socket()
        self.socket.settimeout(20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", port))
        self.input = b""

    def send(self, data):
        """False if the server does not want it."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def receive(self):
        """The body of the next reply, which says its length. Its status is in `status`."""
        while (end := self.input.find(b"\r\n\r\n")) < 0:
            self.receive_more()
        head = self.input[:end].decode().lower()
        size = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:"))
        while len(self.input) < end + 4 + size:
            self.receive_more()
        self.status = status_of(self.input)
        body, self.input = self.input[end + 4 : end + 4 + size], self.input[end + 4 + size :]
        return body

    def receive_more(self):
        more = self.socket.recv(64 * KIB)
        if not more:
            raise ConnectionError("closed by the server")
        self.input += more

    def receive_to_end(self):
        try:
            while more := self.socket.recv(64 * KIB):
                self.input += more
        except ConnectionResetError:
            pass
        return self.input

    def ask(self, request):
        self.socket.sendall(request)
        return self.receive()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


class Witness(threading.Thread):
    """Somebody else, who asks all the time: on a connection that is kept, and on new ones."""

    def __init__(self, port):
        super().__init__()
        self.port, self.served, self.longest, self.failure = port, 0, 0.0, None
        self.over = threading.Event()
        self.start()

    def run(self):
        try:
            kept = Client(self.port)
            while not self.over.wait(0.002):
                fresh = Client(self.port)
                for client in (kept, fresh):
                    begin = time.monotonic()
                    assert client.ask(get("/hello")) == b"hello"
                    self.longest = max(self.longest, time.monotonic() - begin)
                    self.served += 1
                fresh.close()
            kept.close()
        except (OSError, AssertionError) as failure:
            self.failure = failure


class Chaos(unittest.TestCase):
    idle_ms = 60_000
    pooled = POOLED

    def setUp(self):
        self.program = Program(VICTIM, str(self.idle_ms), str(int(PATIENCE * 1000)))
        self.port = self.program.port
        self.clients = []
        self.control = Client(self.port)
        self.use_everything_once()
        self.before = self.settled_state()
        self.witness = Witness(self.port)
        self.assertTrue(self.others_are_served())

    def others_are_served(self):
        served, end = self.witness.served, time.monotonic() + LONGEST
        while self.witness.served == served and not self.witness.failure and time.monotonic() < end:
            time.sleep(0.001)
        return self.witness.served > served

    def use_everything_once(self):
        """So that what is made once is there."""
        with_body = [post("/echo", 5) + b"hello", post("/measure", 5) + b"hello", chunked("/echo") + b"0\r\n\r\n"]
        for request in [get("/hello"), get("/number?n=1"), *with_body]:
            self.control.ask(request)
        client = Client(self.port)
        client.send(get("/large?mib=1", "Connection: close\r\n"))
        client.receive_to_end()
        client.close()

    def tearDown(self):
        try:
            for client in self.clients:
                client.close()
            are_served = self.others_are_served()
            self.witness.over.set()
            self.witness.join()
            self.assertIsNone(self.witness.failure)
            self.assertTrue(are_served)
            self.assertLess(self.witness.longest, LONGEST)
            self.look_at_what_is_left()
            print(f"  {self._testMethodName}: others served {self.witness.served} times, the longest wait "
                  f"{1000 * self.witness.longest:.0f} ms; left: {self.left}")
            self.control.close()
            self.assertEqual(self.program.stop(), 0)
        finally:
            self.program.kill()

    def look_at_what_is_left(self):
        state = self.wait_for(lambda s: all(s[name] <= self.before[name] for name in ("descriptors", "blocks", "streams")))
        self.left = {name: state[name] - self.before[name] for name in ("descriptors", "blocks", "heap", "resident")}
        self.assertEqual((state["streams"], state["waiting"]), (0, 0))
        self.assertEqual((self.left["descriptors"], self.left["blocks"]), (0, 0))
        if not SLOW:
            self.assertLess(self.left["heap"], self.pooled)
            self.assertLess(self.left["resident"], self.pooled + (2 << 20))

    def state(self):
        lines = self.control.ask(get("/state")).decode().splitlines()
        return {name: int(value) for name, value in (line.split() for line in lines)}

    def settled_state(self):
        before, state = None, self.state()
        while before != state["blocks"]:
            before = state["blocks"]
            time.sleep(0.05)
            state = self.state()
        return state

    def wait_for(self, is_so, limit=10):
        end = time.monotonic() + limit
        while not is_so(state := self.state()) and time.monotonic() < end:
            time.sleep(0.02)
        return state

    def connect(self, count=1, **options):
        clients = [Client(self.port, **options) for _ in range(count)]
        self.clients += clients
        return clients if count > 1 else clients[0]

    def refused_after(self, *parts):
        """The status that the server answers before it closes."""
        client = self.connect()
        for part in parts:
            if not client.send(part):
                break
        return status_of(client.receive_to_end())


class SlowPeers(Chaos):
    def drip(self, request, rest, count=50):
        """Sends byte by byte on many connections until the server has had enough; gives the statuses."""
        clients = self.connect(count)
        for client in clients:
            client.send(request)
        end = time.monotonic() + 10
        waiting = list(clients)
        while waiting and time.monotonic() < end:
            time.sleep(PATIENCE / 20)
            for client in waiting:
                client.send(rest)
            answered, _, _ = select.select([client.socket for client in waiting], [], [], 0)
            waiting = [client for client in waiting if client.socket not in answered]
        self.assertEqual(waiting, [])
        return {status_of(client.receive_to_end()) for client in clients}

    def test_heads_that_never_end(self):
        self.assertEqual(self.drip(b"GET / HTTP/1.1\r\nHost: a\r\nx: ", b"x"), {408})

    def test_bodies_that_come_too_slowly(self):
        self.assertEqual(self.drip(post("/echo", 100_000), b"x"), {408})
        self.assertEqual(self.drip(post("/measure", 100_000), b"x"), {408})

    def test_readers_that_do_not_read(self):
        clients = self.connect(20, receive_buffer=4 * KIB)
        for client in clients:
            client.send(get("/large?mib=1000"))
        state = self.wait_for(lambda state: state["streams"] > 0)
        self.assertGreater(state["streams"], 0)
        held = []
        while state["streams"] > 0:
            held.append((state["heap"], state["streamed"]))
            time.sleep(PATIENCE / 10)
            state = self.state()
        most = max(heap for heap, _ in held) - self.before["heap"]
        print(f"  at most {most // len(clients)} bytes of heap, {held[-1][1] // len(clients)} bytes pulled for each")
        self.assertLess(most, len(clients) * 160 * KIB)
        self.assertLess(held[-1][1], len(clients) * (8 << 20))  # With what the kernel keeps.

    def test_readers_that_read_slowly(self):
        clients = self.connect(4, receive_buffer=64 * KIB)
        for client in clients:
            client.send(get("/large?mib=4", "Connection: close\r\n"))
        received, most = [0] * len(clients), 0
        open_ones = set(range(len(clients)))
        while open_ones:
            for i in list(open_ones):
                size = len(clients[i].socket.recv(32 * KIB))
                received[i] += size
                if not size:
                    open_ones.remove(i)
            time.sleep(0.002)
            most = max(most, self.state()["heap"] - self.before["heap"])
        self.assertTrue(all(4 << 20 < size < 5 << 20 for size in received), received)
        self.assertLess(most, len(clients) * 160 * KIB)


class Resets(Chaos):
    REPEATS = 50

    def reset_after(self, *parts, reads=None, is_there=lambda state: True):
        clients = self.connect(self.REPEATS, receive_buffer=4 * KIB)
        for client in clients:
            for part in parts:
                client.send(part)
            if reads:
                reads(client)
        self.assertTrue(is_there(self.wait_for(is_there)))
        for client in clients:
            client.reset()

    def all_wait(self, state):
        return state["waiting"] == self.REPEATS

    def test_while_idle(self):
        self.reset_after()
        self.reset_after(get("/hello"), reads=Client.receive)

    def test_in_the_head(self):
        self.reset_after(b"GET /hel")
        self.reset_after(b"GET /hello HTTP/1.1\r\nHost: a\r\nx: y")

    def test_in_the_body(self):
        self.reset_after(post("/echo", 100_000), b"x" * 50_000)
        self.reset_after(chunked("/echo"), b"ff\r\nhalf")
        self.reset_after(post("/measure", 100_000), b"x" * 50_000, is_there=self.all_wait)
        self.reset_after(chunked("/measure"), b"ff\r\nhalf", is_there=self.all_wait)
        self.reset_after(post("/never", 1_000), b"of another route")

    def test_while_the_application_works(self):
        self.reset_after(get("/never"), is_there=self.all_wait)
        self.reset_after(get("/never") + get("/hello"), is_there=self.all_wait)

    def test_in_the_output(self):
        self.reset_after(get("/large?mib=1000"), is_there=lambda state: state["streams"] > 0)  # Some are cut off by now.

    def test_while_the_server_lingers(self):
        self.reset_after(b"no request\r\n\r\n", reads=Client.receive)


class Crowds(Chaos):
    pooled = 10 << 20  # The pool's depot holds thousands of blocks of each size.

    def test_idle_connections(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        count = min(IDLE_CONNECTIONS, hard - 500)
        if count < IDLE_CONNECTIONS:
            print(f"  only {count} connections: RLIMIT_NOFILE is {hard}")
        clients = self.connect(count)
        for client in clients:
            self.assertEqual(client.ask(get("/hello")), b"hello")
        state = self.state()
        heap, resident = ((state[name] - self.before[name]) / count for name in ("heap", "resident"))
        print(f"  {count} idle connections: {heap:.0f} bytes of heap, {resident:.0f} resident, each")
        self.assertLess(heap, 1200)  # 1 KiB of our own, and what malloc and libuv's table of descriptors take.
        for client in clients[:: count // 100]:
            self.assertEqual(client.ask(get("/hello")), b"hello")
        for client in clients:
            client.close()

    def test_pipelined_requests_in_one_write(self):
        count = 1000
        client = self.connect()
        before = self.state()["sends"]
        client.send(b"".join(get(f"/number?n={i}") for i in range(count)))
        self.assertEqual([client.receive() for _ in range(count)], [str(i).encode() for i in range(count)])
        sends = self.state()["sends"] - before
        print(f"  {count} pipelined replies in at most {sends} writes, those to others among them")
        self.assertLess(sends, 50)


class Bombs(Chaos):
    def test_heads(self):
        line = b"GET / HTTP/1.1\r\nHost: a\r\n"
        self.assertEqual(self.refused_after(b"GET /", *[b"a" * 64 * KIB] * 64), 414)
        self.assertEqual(self.refused_after(line, b"x: ", *[b"a" * 64 * KIB] * 64), 431)
        self.assertEqual(self.refused_after(line, *[b"a" * 64 * KIB] * 64), 431)
        self.assertEqual(self.refused_after(line, b"a:b\r\n" * 5_000, b"\r\n"), 431)
        self.assertEqual(self.refused_after(line, b"a:b\r\n" * 500_000), 431)
        self.assertEqual(self.refused_after(line, b"a: b\r\n" + b" c\r\n" * 5_000, b"\r\n"), 400)
        self.assertEqual(self.refused_after(b"\x16\x03\x01" + bytes(64 * KIB)), 400)
        self.assertEqual(self.refused_after(b"\r\n" * 100_000, b"GET /\r\n\r\n"), 400)

    def test_bodies(self):
        huge = b"9" * 18
        cases = [
            (413, post("/echo", huge.decode())),
            (413, post("/measure", huge.decode())),
            (400, post("/echo", "9" * 30)),
            (400, post("/echo", "-1")),
            (413, chunked("/echo"), *[b"1\r\nx\r\n" * 10_000] * 200),
            (413, chunked("/echo"), b"7fffffffffffffff\r\n"),
            (400, chunked("/echo"), b"f" * 17 + b"\r\n"),
            (408, chunked("/echo"), b"0" * 1_000_000),  # A number may begin so (RFC 9112 section 7.1): it is no progress.
            (400, chunked("/echo"), b"1;" + b"x" * 1_000_000),
            (400, chunked("/echo"), b"1;x=y\r\nx\r\n" * 200_000),
            (400, chunked("/measure"), b"1;x=y\r\nx\r\n" * 200_000),
            (400, chunked("/echo"), b"0\r\n" + b"a: b\r\n" * 200_000),
        ]
        for status, *parts in cases:
            self.assertEqual(self.refused_after(*parts), status, [part[:60] for part in parts[:2]])

    def test_bodies_that_nobody_wants(self):
        for head in (post("/hello", "9" * 18), chunked("/hello")):
            client = self.connect()
            client.send(head)
            begin = time.monotonic()
            while client.send(b"10000\r\n" + b"x" * 64 * KIB + b"\r\n") and time.monotonic() < begin + 10:
                pass
            self.assertLess(time.monotonic() - begin, LONGEST + PATIENCE)
            self.assertEqual(status_of(client.receive_to_end()), 405)

    def test_bodies_in_chunks_of_one_byte(self):
        client = self.connect()
        for target, reply in (("/echo", b"x" * 100_000), ("/measure", b"100000")):
            client.send(chunked(target) + b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n")
            self.assertEqual(client.receive(), reply)


if __name__ == "__main__":
    unittest.main(verbosity=2)
