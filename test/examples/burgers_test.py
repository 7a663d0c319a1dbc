#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the burgers example prints: burgers_test.py PROGRAM."""

import re
import subprocess
import sys
import unittest


class Burgers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ended = subprocess.run([PROGRAM], capture_output=True, text=True, timeout=50, check=False)
        sys.stderr.write(ended.stderr)  # What a sanitizer has found, for instance.
        cls.status, cls.text = ended.returncode, ended.stdout

    def number(self, pattern):
        return int(re.search(pattern, self.text)[1])

    def timeline(self):
        """(time, frying, sliced) of each row."""
        rows = re.findall(r"^ *(\d+) ms +#* +(\d+) +(\d+)$", self.text, re.M)
        return [tuple(map(int, row)) for row in rows]

    def test_everybody_is_served_in_a_fraction_of_the_time(self):
        self.assertEqual(self.status, 0, self.text)
        self.assertEqual(self.number(r"(\d+) burgers served"), 100)
        took = self.number(r"served after (\d+) ms")
        self.assertGreaterEqual(took, 90)  # The clock of a timer may be a little old when it starts.
        self.assertLess(took, 5_000)  # A tenth of a second, plus what a busy machine adds.
        self.assertEqual(self.number(r"would have fried for (\d+) ms"), 10_000)

    def test_all_of_them_wait_at_once_on_one_thread(self):
        self.assertIn("frying: 100 at once, on 1 thread\n", self.text)

    def test_workers_slice_the_onions(self):
        self.assertIn(self.number(r"onions: sliced by (\d+) workers of 4"), range(1, 5))

    def test_the_timeline_accounts_for_everybody(self):
        times, frying, sliced = zip(*self.timeline())
        self.assertGreaterEqual(times[-1], 100)
        self.assertEqual(sum(sliced), 100)
        since_all_have_ordered = frying[frying.index(max(frying)):]
        self.assertEqual(list(since_all_have_ordered), sorted(since_all_have_ordered, reverse=True), self.text)
        self.assertEqual(frying[-1], 0)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
