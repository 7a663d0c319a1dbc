#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Streams over real sockets, asked by curl where it fits: streams_test.py PROGRAM CURL."""

import os
import select
import socket
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "examples"))
from program import Program, curl, read_to_end  # noqa: E402

MB = 1024 * 1024
LARGE = 200 * MB
BOUND = 32 * MB  # Of the server's memory, whatever passes through it; sanitizers need most of that.


def until(condition, limit=20):
    end = time.monotonic() + limit
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.002)
    return found


def is_readable(file):
    return bool(select.select([file], [], [], 0)[0])


class Streams(unittest.TestCase):
    def setUp(self):
        self.program = Program(PROGRAM)
        self.addCleanup(self.program.kill)

    def curl(self, target, *options):
        process = curl(*options, self.program.url(target))
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        return process

    def said_by_curl(self, target, *options):
        """What --write-out prints, behind an unread body."""
        process = self.curl(target, "--output", "/dev/null", *options)
        return process.communicate()[0].decode().split()

    def ring(self):
        until(lambda: self.program.ask("/ring", "-X", "POST").body == "1")

    def open(self, head):
        connection = self.program.connect()
        self.addCleanup(connection.close)
        connection.sendall(f"{head} HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n".encode())
        return connection

    def journal_is(self, words):
        seen = ""

        def look():
            nonlocal seen
            seen += self.program.ask("/journal").body
            return seen == words

        until(look)

    def memory(self):
        """The most that it ever had, in bytes."""
        with open(f"/proc/{self.program.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

    def test_events_arrive_one_by_one(self):
        client = self.curl("/events", "--no-buffer", "--include")
        for number in (1, 2, 3):
            self.ring()
            if number == 1:
                head = b"".join(iter(client.stdout.readline, b"\r\n")).decode().lower()
                self.assertIn("200 ok", head)
                self.assertIn("content-type: text/event-stream", head)
            self.assertEqual([client.stdout.readline(), client.stdout.readline()],
                             [f"data: event {number}\n".encode(), b"\n"])
            self.assertFalse(is_readable(client.stdout), "the next one was not rung for")

    def test_a_client_that_leaves_ends_its_stream_at_once(self):
        client = self.curl("/events", "--no-buffer")
        self.ring()
        client.stdout.readline()
        self.journal_is("open ")

        client.kill()
        began = time.monotonic()
        self.journal_is("cancelled ")

        self.assertLess(time.monotonic() - began, 2, "without a heartbeat, or an event that cannot be sent")
        self.assertEqual(self.program.ask("/ring", "-X", "POST").body, "0", "the coroutine waits no more")

    def test_a_client_that_leaves_ends_what_it_waited_for(self):
        client = self.open("GET /wait")
        self.journal_is("open ")
        client.close()
        self.journal_is("cancelled ")

    def test_who_closes_its_half_has_left_as_far_as_a_get_is_concerned(self):
        client = self.open("GET /wait")
        self.journal_is("open ")
        client.shutdown(socket.SHUT_WR)

        self.journal_is("cancelled ")
        read_to_end(client)  # The connection is closed, with an answer or without.

    def test_who_closes_its_half_is_answered_where_the_route_finishes(self):
        for head in ("POST /wait", "GET /wait_all_the_same"):
            with self.subTest(head):
                client = self.open(head)
                self.journal_is("open ")
                client.shutdown(socket.SHUT_WR)
                self.ring()

                reply = read_to_end(client)
                self.assertTrue(reply.startswith("HTTP/1.1 200 OK"), reply)
                self.assertTrue(reply.endswith("\r\n\r\nrung"), reply)
                self.assertIn("connection: close", reply.lower())
                self.journal_is("ok ")

    def test_who_closes_its_half_gets_a_stream_no_further(self):
        client = self.open("GET /events")
        self.ring()
        while b"event 1" not in client.recv(4096):
            pass
        client.shutdown(socket.SHUT_WR)

        self.journal_is("open cancelled ")
        self.assertEqual(read_to_end(client), "", "no last chunk: it is not complete")

    def test_a_long_reply_to_a_slow_reader_takes_little_memory(self):
        client = self.program.connect()
        self.addCleanup(client.close)
        before = self.memory()
        client.sendall(f"GET /long?size={LARGE} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".encode())
        self.journal_is("open ")
        for _ in range(20):  # Others are served while it does not read.
            self.assertEqual(self.program.ask("/journal").status, 200)

        received = 0
        while part := client.recv(MB):
            received += len(part)
        self.assertGreater(received, LARGE)
        self.journal_is("ok ")
        self.assertLess(self.memory() - before, BOUND)

    def test_a_long_reply_is_whole(self):
        status, size = self.said_by_curl(f"/long?size={LARGE}", "--write-out", "%{http_code} %{size_download}")
        self.assertEqual((status, int(size)), ("200", LARGE))

    def test_a_large_upload_takes_little_memory(self):
        before = self.memory()
        with large_file() as upload:
            reply = self.program.ask("/count", "-T", upload.name)
            self.assertEqual((reply.status, reply.body), (200, str(LARGE)))
            chunked = self.program.ask("/count", "-T", upload.name, "-H", "Transfer-Encoding: chunked")
            self.assertEqual((chunked.status, chunked.body), (200, str(LARGE)))
        self.assertLess(self.memory() - before, BOUND)

    def test_a_body_that_is_refused_is_not_sent_by_who_asks_first(self):
        with large_file() as upload:
            status, sent = self.said_by_curl("/refuse", "-T", upload.name, "-H", "Expect: 100-continue",
                                             "--expect100-timeout", "20", "--write-out", "%{http_code} %{size_upload}")
        self.assertEqual((status, sent), ("403", "0"))

    def test_a_body_that_is_refused_is_not_waited_for(self):
        with large_file() as upload:
            status, sent = self.said_by_curl("/refuse", "-T", upload.name, "-H", "Expect:",
                                             "--write-out", "%{http_code} %{size_upload}")
        self.assertEqual(status, "403", "the reply was not lost in a reset")
        self.assertLess(int(sent), LARGE)
        self.assertEqual(self.program.ask("/journal").status, 200)

    def test_upgrades_are_refused_by_ignoring_them(self):
        for protocol in ("websocket", "h2c"):
            reply = self.program.ask("/journal", "-H", "Connection: Upgrade", "-H", f"Upgrade: {protocol}")
            self.assertEqual(reply.status, 200)
            self.assertNotIn("upgrade", reply.headers)
        status, version = self.said_by_curl("/journal", "--http2", "--write-out", "%{http_code} %{http_version}")
        self.assertEqual((status, version), ("200", "1.1"))


def large_file():
    """Of zeros, which take no room on the disk."""
    file = tempfile.NamedTemporaryFile()
    file.truncate(LARGE)
    return file


if __name__ == "__main__":
    PROGRAM, CURL = sys.argv[1:3] if len(sys.argv) > 2 else (sys.argv[1], "")
    del sys.argv[1:3]
    if not CURL:
        print("skipped: there is no curl (Debian: curl)")
        sys.exit(77)
    unittest.main()
