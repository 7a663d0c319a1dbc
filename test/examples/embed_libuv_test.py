#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A libuv program with umbel in it, run and asked by curl: embed_libuv_test.py PROGRAM."""

import sys
import unittest

from program import Program


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

    def test_it_stops_and_leaves_the_loop_clean(self):
        with self.program.connect() as idle:
            self.ticks("/ticks/next")
            self.assertEqual(self.program.stop(), 0)
            self.assertEqual(idle.recv(1), b"")


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
