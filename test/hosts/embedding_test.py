#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/embedding.md against the truth: each of its C++ blocks stands in a file of examples/hosts/, between two lines
`// [name]`; and each program that it names is there."""

import glob
import os
import re
import textwrap
import unittest

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as text:
        return text.read()


def pieces():
    """What stands between marks, as it would stand by itself."""
    for path in glob.glob("examples/hosts/*.?pp", root_dir=ROOT):
        for mark in set(re.findall(r"^ *// \[(\w+)\]$", read(path), re.M)):  # One may lie within another.
            yield textwrap.dedent(re.search(rf"^ *// \[{mark}\]\n(.*?)^ *// \[{mark}\]$", read(path), re.M | re.S)[1])


class Embedding(unittest.TestCase):
    page = read("docs/embedding.md")

    def test_its_code_is_cut_from_the_hosts(self):
        truths = list(pieces())
        blocks = re.findall(r"^```cpp\n(.*?)^```$", self.page, re.M | re.S)
        self.assertGreater(len(blocks), 10)
        for block in blocks:
            self.assertIn(block, truths)

    def test_the_hosts_that_it_names_exist(self):
        names = re.findall(r"`(\w+)(?: --\w+)?`", "".join(re.findall(r"^\| T\d .*$", self.page, re.M)))
        hosts = {os.path.basename(path)[:-4] for path in glob.glob("examples/hosts/*.cpp", root_dir=ROOT)}
        self.assertLessEqual({"beast", "httplib", "epoll", "libuv", "systemd"}, set(names) & hosts)
        for host in hosts:
            self.assertIn(host, names)


if __name__ == "__main__":
    unittest.main()
