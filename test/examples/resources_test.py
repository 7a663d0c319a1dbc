#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The transactions of the resources example, asked by curl: resources_test.py PROGRAM."""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import unittest

from program import Program, curl, output_of, read_reply


class Resources(unittest.TestCase):
    """Each test has a file of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = os.path.join(folder.name, "accounts.db")
        self.bank = Program(PROGRAM, "--port", "0", "--db", self.file)
        self.addCleanup(self.bank.kill)

    def transfer(self, **query):
        return self.bank.ask(self.target(**query), "-X", "POST")

    def target(self, **query):
        return "/transfers?" + "&".join(f"{name.strip('_')}={value}" for name, value in query.items())

    def in_file(self, sql):
        """As another program sees it."""
        other = sqlite3.connect(self.file)
        rows = other.execute(sql).fetchall()
        other.close()
        return rows

    def check_nothing_happened(self):
        self.assertEqual(self.in_file("select id, cents from accounts"), [(1, 1000), (2, 0)])
        self.assertEqual(self.in_file("select * from transfers"), [])

    def check(self, reply, status, detail):
        self.assertEqual((reply.status, json.loads(reply.body)), (status, {"detail": detail}))

    def test_it_is_committed_before_the_reply(self):
        reply = self.transfer(from_=1, to=2, cents=30)
        self.assertEqual((reply.status, reply.body), (201, '{"id":1}'))
        self.assertEqual(self.in_file("select id, cents from accounts"), [(1, 970), (2, 30)])
        self.assertEqual(self.in_file("select from_id, to_id, cents from transfers"), [(1, 2, 30)])
        self.assertEqual(self.bank.ask("/accounts/2").body, '{"id":2,"cents":30}')

    def test_an_error_of_the_handler_rolls_back_what_it_has_done(self):
        self.check(self.transfer(from_=1, to=2, cents=1001), 422, "There is not enough in the account")
        self.check_nothing_happened()

    def test_a_commit_that_fails_replaces_the_reply(self):
        self.check(self.transfer(from_=1, to=99, cents=30), 409, "There is no such account")
        self.check_nothing_happened()

    def test_what_cannot_be_understood_begins_nothing(self):
        self.assertEqual(self.bank.ask("/accounts/1").status, 200)  # The file is there.
        other = sqlite3.connect(self.file)
        other.execute("begin immediate")  # A transaction would have to wait.
        reply = self.transfer(from_=1, to="two", cents=0)
        other.close()
        places = [error["loc"] for error in json.loads(reply.body)["detail"]]
        self.assertEqual((reply.status, places), (422, [["query", "to"], ["query", "cents"]]))

    def test_what_came_after_a_failure_is_none_the_worse(self):
        for _ in range(6):  # More than there are connections: each was given back.
            self.assertEqual(self.transfer(from_=1, to=99, cents=30).status, 409)
            self.assertEqual(self.transfer(from_=2, to=1, cents=30).status, 422)
        self.assertEqual(self.transfer(from_=1, to=2, cents=1000).status, 201)
        self.assertEqual(self.bank.ask("/accounts/99").status, 404)

    def test_forty_at_once_wait_for_their_turn(self):
        url = self.bank.url(self.target(from_=1, to=2, cents=25))
        running = [curl("--include", "-X", "POST", url) for _ in range(40)]
        replies = [read_reply(output_of(process)) for process in running]
        self.assertEqual({reply.status for reply in replies}, {201})
        self.assertEqual({json.loads(reply.body)["id"] for reply in replies}, set(range(1, 41)))
        self.assertEqual(self.in_file("select id, cents from accounts"), [(1, 0), (2, 1000)])

    def test_it_closes_the_file_when_it_stops(self):
        self.transfer(from_=1, to=2, cents=30)
        self.assertTrue(os.path.exists(self.file + "-wal"))
        self.assertEqual(self.bank.stop(), 0)
        self.assertFalse(os.path.exists(self.file + "-wal"))

    def test_a_file_that_cannot_be_opened_stops_the_start(self):
        command = [PROGRAM, "--port", "0", "--db", self.file + "/not/there.db"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(ended.returncode, 1)
        self.assertRegex(ended.stderr, "cannot start: database: .*/not/there.db: unable to open database file")


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
