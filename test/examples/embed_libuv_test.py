#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A libuv program with umbel in it, run and asked by curl: embed_libuv_test.py PROGRAM."""

import socket
import sys
import unittest

from program import Program, curl, output_of, read_to_end


class EmbedLibuv(unittest.TestCase):
    def setUp(self):
        self.program = Program(PROGRAM, "0")
        self.addCleanup(self.program.kill)

    def ticks(self, target):
        reply = self.program.ask(target)
        self.assertEqual(reply.status, 200)
        return int(reply.body)

    def test_requests_are_answered_while_the_programs_timer_ticks(self):
        seen = [self.ticks(target) for target in ("/ticks", "/ticks/next", "/ticks", "/ticks/next")]
        self.assertEqual(seen, sorted(seen))
        self.assertGreater(seen[1], seen[0])
        self.assertGreater(seen[3], seen[2])

    def test_errors_are_those_of_any_server(self):
        self.assertEqual(self.program.ask("/tocks").status, 404)
        refused = self.program.ask("/ticks", "-X", "PUT")
        self.assertEqual((refused.status, refused.headers["allow"]), (405, "GET, HEAD, POST, OPTIONS"))
        token = ("-H", "x-token: ticker")
        self.assertEqual(self.program.ask("/ticks", "--data", "100").status, 401)
        self.assertEqual(self.program.ask("/ticks", *token, "--data", "many").status, 422)
        self.assertEqual(self.program.ask("/ticks?plus=x", *token, "--data", "1").status, 422)
        self.assertEqual(self.program.ask("/ticks", *token, "--data", "1" * 1025).status, 413)

    def test_a_request_may_change_the_programs_object(self):
        self.assertEqual(self.program.ask("/ticks?plus=1", "-H", "x-token: ticker", "--data", "1000").status, 204)
        self.assertGreater(self.ticks("/ticks"), 1000)

    def test_many_clients_are_answered_while_the_programs_timer_ticks(self):
        before = self.ticks("/ticks")
        at_once = ("--no-progress-meter", "--parallel", "--parallel-max", "50", "--write-out", "%{http_code}\n")
        urls = ["--output", "/dev/null", self.program.url("/ticks/next")] * 50
        clients = [curl(*at_once, *urls) for _ in range(4)]
        codes = [code for client in clients for code in output_of(client).split()]
        self.assertEqual(codes, ["200"] * 200)
        self.assertGreater(self.ticks("/ticks"), before)

    def test_a_client_that_leaves_while_it_waits_is_forgotten(self):
        for linger in (b"\0" * 8, b"\1\0\0\0\0\0\0\0"):  # With FIN, and with RST.
            peers = [self.program.connect() for _ in range(20)]
            for peer in peers:
                peer.sendall(b"GET /ticks/next HTTP/1.1\r\nHost: a\r\n\r\n")
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                peer.close()
        seen = [self.ticks("/ticks/next") for _ in range(3)]
        self.assertEqual(seen, sorted(set(seen)))
        self.assertEqual(self.program.stop(), 0)

    def test_it_answers_who_waits_and_stops(self):
        with self.program.connect() as waiting:
            waiting.sendall(b"GET /ticks/next HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(self.program.stop(), 0)
            self.assertTrue(read_to_end(waiting).startswith("HTTP/1.1 200 OK\r\n"))

    def test_it_stops_and_leaves_the_loop_clean(self):
        with self.program.connect() as idle:
            self.ticks("/ticks/next")
            self.assertEqual(self.program.stop(), 0)
            self.assertEqual(idle.recv(1), b"")


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
