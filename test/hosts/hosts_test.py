#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One host of umbel, asked by real clients: hosts_test.py [--without disconnect,pipelining,...] PROGRAM [ARGUMENT...]

README.md beside this file says what the program has to do. `--without` names what a host's own HTTP cannot do:

    disconnect      it does not notice that a peer has left before it writes to it
    pipelining      it does not answer requests that come behind one another on a connection before they are asked for
    chunked         it does not take bodies in chunks
"""

import argparse
import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import unittest

PATIENCE = 30  # Seconds, for what should come at once: this machine may be busy, or under a sanitizer.
AT_ONCE = 200


class Host:
    """The program, running."""

    def __init__(self, command):
        self.process = subprocess.Popen([*command, "0"], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()  # Empty if it ended. The test runner's time limit bounds the wait.
        found = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", line)
        if not found:
            self.kill()
            raise AssertionError(f"{command[0]} said {line!r}, and ended with {self.process.returncode}")
        self.port = int(found[1])

    def connect(self):
        return Connection(self.port)

    def ask(self, method, target, body=b""):
        with self.connect() as connection:
            return connection.ask(method, target, body)

    def counts(self):
        status, body = self.ask("GET", "/counts")
        assert status == 200, status
        return json.loads(body)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self):
        """Exit status and last words."""
        said = self.process.communicate(timeout=PATIENCE)[0]
        return self.process.returncode, said.splitlines()[-1] if said else ""

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def request(method, target, body=b"", *fields):
    if body or (method == "POST" and not fields):
        fields = (*fields, f"Content-Length: {len(body)}")
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", *fields, "", ""]).encode() + body


def in_chunks(body, size):
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])


class Connection:
    """One that is kept."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.input.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, method, target, body=b"", *fields):
        self.send(request(method, target, body, *fields))
        return self.receive()

    def receive(self):
        """Status and body of the next reply; (None, b"") if there is none any more."""
        line = self.input.readline()
        if not line:
            return None, b""
        fields = {}
        while (field := self.input.readline().strip()):
            name, _, value = field.decode("latin-1").partition(":")
            fields[name.lower()] = value.strip()
        status = int(line.split()[1])
        if status == 100:
            return self.receive()
        if fields.get("transfer-encoding", "").lower() == "chunked":
            return status, self.read_chunks()
        return status, self.input.read(int(fields.get("content-length", 0)))

    def read_chunks(self):
        body = b""
        while (size := int(self.input.readline().split(b";")[0], 16)) > 0:
            body += self.input.read(size)
            self.input.readline()
        self.input.readline()
        return body

    def is_closed_by_peer(self):
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


async def ask_alone(port, method, target, body=b""):
    """On a connection of its own, which ends with the reply."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request(method, target, body, "Connection: close"))
    head, _, content = (await reader.read(-1)).partition(b"\r\n\r\n")
    writer.close()
    if b"chunked" in head.lower():
        content = content.split(b"\r\n", 1)[1].rsplit(b"\r\n0\r\n", 1)[0]
    return int(head.split()[1]) if head else None, content


def at_once(port, questions):
    async def ask_all():
        return await asyncio.gather(*(ask_alone(port, *question) for question in questions))

    return asyncio.run(asyncio.wait_for(ask_all(), PATIENCE))


def user(number):
    return f"user {number} {'*' * min(number, 3)}{'-' * max(3 - number, 0)}".encode()


class Hosts(unittest.TestCase):
    def setUp(self):
        self.host = Host(PROGRAM)
        self.addCleanup(self.host.kill)

    def need(self, what):
        if what in WITHOUT:
            self.skipTest(f"this host does without {what}")

    def wait_until_closed(self, opened=0):
        """Counts, when at least `opened` sessions were opened and all are closed again."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            counts = self.host.counts()
            if counts["opened"] >= opened and counts["closed"] == counts["opened"]:
                self.assertEqual(counts["closed_again"], 0)
                return counts
            time.sleep(0.02)
        self.fail(f"of at least {opened} sessions not all were closed: {counts}")

    def wait_until_opened(self, opened):
        end = time.monotonic() + PATIENCE
        while self.host.counts()["opened"] < opened:
            self.assertLess(time.monotonic(), end, f"{opened} sessions were not opened")
            time.sleep(0.01)

    def ends_in_order(self):
        """It has been told to stop: it ends with 0, and every session was closed once."""
        status, last = self.host.wait()
        self.assertEqual(status, 0, last)
        counts = json.loads(last)
        self.assertEqual((counts["closed"], counts["closed_again"]), (counts["opened"], 0))

    def test_a_graph_of_coroutines_and_workers_answers(self):
        for number in range(5):
            self.assertEqual(self.host.ask("GET", f"/users/{number}"), (200, user(number)))
        self.assertEqual(self.wait_until_closed(5)["opened"], 5)

    def test_a_body_comes_whole(self):
        for size in (0, 1, 5000, 300_000):
            body = os.urandom(size)
            self.assertEqual(self.host.ask("POST", "/echo", body), (200, body))

    def test_a_body_in_chunks_comes_whole(self):
        self.need("chunked")
        body = os.urandom(50_000)
        with self.host.connect() as connection:
            connection.send(request("POST", "/echo", b"", "Transfer-Encoding: chunked") + in_chunks(body, 777))
            self.assertEqual(connection.receive(), (200, body))

    def test_errors_are_those_of_umbel(self):
        self.assertEqual(self.host.ask("GET", "/nowhere")[0], 404)
        self.assertEqual(self.host.ask("DELETE", "/hello")[0], 405)
        self.assertEqual(self.host.ask("GET", "/users/me")[0], 422)

    def test_a_connection_is_kept(self):
        with self.host.connect() as connection:
            for number in range(20):
                self.assertEqual(connection.ask("GET", f"/users/{number}"), (200, user(number)))
                self.assertEqual(connection.ask("POST", "/echo", b"x" * number), (200, b"x" * number))
                self.assertEqual(connection.ask("GET", "/nowhere")[0], 404)

    def test_requests_behind_one_another_are_answered_in_order(self):
        self.need("pipelining")
        with self.host.connect() as connection:
            connection.send(
                b"".join(request("GET", f"/users/{number}") + request("GET", "/hello") for number in range(30))
            )
            for number in range(30):
                self.assertEqual(connection.receive(), (200, user(number)))
                self.assertEqual(connection.receive(), (200, b"Hello"))

    def test_a_head_may_come_in_pieces(self):
        with self.host.connect() as connection:
            for byte in request("GET", "/users/1"):
                connection.send(bytes([byte]))
            self.assertEqual(connection.receive(), (200, user(1)))

    def test_many_clients_at_once_all_get_their_own_reply(self):
        questions = [("GET", f"/users/{number}") for number in range(AT_ONCE)]
        replies = at_once(self.host.port, questions)
        self.assertEqual(replies, [(200, user(number)) for number in range(AT_ONCE)])
        self.assertEqual(self.wait_until_closed(AT_ONCE)["opened"], AT_ONCE)

    def test_a_peer_that_leaves_stops_its_request_and_closes_what_it_opened(self):
        self.need("disconnect")
        peers = [self.host.connect() for _ in range(10)]
        for peer in peers:
            peer.send(request("GET", "/slow?ms=600000"))
        self.wait_until_opened(10)
        for peer in peers:
            peer.close()
        self.assertEqual(self.wait_until_closed(10)["opened"], 10)

    def test_a_peer_that_leaves_does_no_harm_while_others_are_answered(self):
        questions = [("GET", f"/users/{number}") for number in range(50)]
        peers = [self.host.connect() for _ in range(5)]
        for peer in peers:
            peer.send(request("GET", "/slow?ms=300"))
        self.wait_until_opened(5)
        for peer in peers:
            reset = b"\1\0\0\0\0\0\0\0"  # Linger for no time: with RST.
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            peer.close()
        self.assertEqual(at_once(self.host.port, questions), [(200, user(number)) for number in range(50)])
        self.assertEqual(self.wait_until_closed(55)["opened"], 55)

    def test_a_peer_that_leaves_within_its_head_or_body_does_no_harm(self):
        whole = request("POST", "/echo", b"x" * 1000)
        for size in (1, 30, len(whole) - 1000, len(whole) - 1):
            with self.host.connect() as peer:
                peer.send(whole[:size])
        self.assertEqual(self.host.ask("POST", "/echo", b"y"), (200, b"y"))
        self.wait_until_closed(1)

    def test_it_stops_when_idle(self):
        with self.host.connect() as idle:
            self.assertEqual(idle.ask("GET", "/users/1"), (200, user(1)))
            self.host.terminate()
            self.ends_in_order()
            self.assertTrue(idle.is_closed_by_peer())

    def test_it_answers_what_is_in_flight_and_stops(self):
        clients = [self.host.connect() for _ in range(4)]
        for client in clients:
            client.send(request("GET", "/slow?ms=400"))
        self.wait_until_opened(4)
        self.host.terminate()
        for client in clients:
            self.assertEqual(client.receive(), (200, b"at last"))
            client.close()
        self.ends_in_order()

    def test_it_does_not_wait_for_ever_for_what_is_in_flight(self):
        clients = [self.host.connect() for _ in range(4)]
        for client in clients:
            client.send(request("GET", "/slow?ms=600000"))
        self.wait_until_opened(4)
        self.host.terminate()
        self.ends_in_order()
        for client in clients:
            client.close()


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--without", type=lambda text: text.split(","), default=[])
    options.add_argument("program", nargs="+")
    given = options.parse_args()
    WITHOUT, PROGRAM = given.without, given.program
    unittest.main(argv=sys.argv[:1])
