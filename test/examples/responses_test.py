#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/responses.md against the truth: responses_test.py PROGRAM

Every C++ block stands, line for line, in the program's source, and every text block in what the program prints.
"""

import os
import re
import subprocess
import sys
import unittest

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as text:
        return text.read()


class Responses(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.done = subprocess.run([PROGRAM], capture_output=True, text=True, timeout=60, check=True)

    def check(self, language, truth):
        blocks = re.findall(rf"^```{language}\n(.*?)^```$", read("docs/responses.md"), re.M | re.S)
        self.assertTrue(blocks)
        for block in blocks:
            self.assertIn("\n" + block, "\n" + truth)

    def test_its_code_is_cut_from_the_program(self):
        self.check("cpp", read("examples/responses/responses.cpp"))

    def test_its_answers_are_what_the_program_prints(self):
        self.check("text", type(self).done.stdout)

    def test_the_access_log_has_the_request_ids(self):
        lines = type(self).done.stderr.splitlines()
        self.assertTrue(lines)
        for line in lines:
            self.assertRegex(line, r'^time=.* request_id="(7f3c|[0-9a-f]{32})"$')


if __name__ == "__main__":
    PROGRAM = os.path.realpath(sys.argv[1])
    del sys.argv[1:]
    unittest.main()
