#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every test, and every case of compile_fail, that a page of promises names is there; every rule has a row."""

import glob
import os
import re
import unittest

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")
RULES = range(1, 38)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as text:
        return text.read()


SEMANTICS = read("docs/semantics.md")
PAGES = [SEMANTICS, read("docs/http1.md")]


class Promises(unittest.TestCase):
    def test_every_test_that_it_names_is_there(self):
        there = set()
        for path in glob.glob("test/**/*_test.cpp", root_dir=ROOT, recursive=True):
            found = re.findall(r"^TEST(?:_F|_P)?\((\w+),\s+(\w+)\)", read(path), re.M)
            there |= {f"{os.path.basename(path)[: -len('_test.cpp')]}: {suite}.{name}" for suite, name in found}
        for page in PAGES:
            named = set(re.findall(r"`(\w+: \w+\.\w+)`", page))
            self.assertTrue(named)
            self.assertEqual(named - there, set())

    def test_every_compile_error_that_it_names_is_there(self):
        there = {os.path.basename(path) for path in glob.glob("test/compile_fail/*.cpp", root_dir=ROOT)}
        named = set(re.findall(r"`compile_fail/(\w+\.cpp)`", SEMANTICS))
        self.assertTrue(named)
        self.assertEqual(named - there, set())

    def test_every_rule_has_its_row(self):
        self.assertEqual([int(number) for number in re.findall(r"^\| (\d+) \|", SEMANTICS, re.M)], list(RULES))


if __name__ == "__main__":
    unittest.main()
