#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""README, and docs/design.md, against the truth: readme_test.py HELLO QUICKSTART.

Every C++ block stands, line for line, in a file of examples/. Every console block is typed in, `$ command` by
`$ command`, and must print what README says; the comment above it names the program that runs meanwhile.
"""

import glob
import os
import re
import subprocess
import sys
import tempfile
import unittest

from program import Program

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as text:
        return text.read()


def blocks(language):
    """(the line above, the text) of each."""
    return re.findall(rf"^([^\n]*)\n```{language}\n(.*?)^```$", read("README.md"), re.M | re.S)


def commands(block):
    """(command, what it prints) of each."""
    return [(each.partition("\n")[0], each.partition("\n")[2]) for each in re.split(r"^\$ ", block, flags=re.M)[1:]]


class Design(unittest.TestCase):
    def test_every_test_that_it_names_is_there(self):
        sources = "".join(read(path) for path in glob.glob("test/**/*_test.cpp", root_dir=ROOT, recursive=True))
        there = {".".join(case) for case in re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", sources, re.M)}
        named = set(re.findall(r"`([A-Z]\w+\.[A-Z]\w+)`", read("docs/design.md")))
        self.assertTrue(named)
        self.assertEqual(named - there, set())


class Readme(unittest.TestCase):
    def test_its_code_is_cut_from_the_examples(self):
        sources = [read(path) for path in glob.glob("examples/*.?pp", root_dir=ROOT)]
        found = blocks("cpp")
        self.assertTrue(found)
        for _, code in found:
            self.assertTrue(any(code in source for source in sources), f"This is in no example:\n{code}")

    def test_its_first_program_is_whole(self):
        _, program = blocks("cpp")[0]
        self.assertEqual("// SPDX-License-Identifier: MIT\n" + program, read("examples/hello.cpp"))

    def test_its_commands_print_what_it_says(self):
        found = blocks("console")
        self.assertTrue(found)
        for above, block in found:
            program = re.fullmatch(r"<!-- with (\w+) -->", above)[1]
            with self.subTest(program), tempfile.TemporaryDirectory() as folder:
                self.check(self.start(program, folder), block)

    def start(self, program, folder):
        started = Program(*PROGRAMS[program], folder=folder)
        self.addCleanup(started.kill)
        return started

    def check(self, program, block):
        for command, printed in commands(block):
            here = command.replace("localhost:8000", f"127.0.0.1:{program.port}")
            done = subprocess.run(here, shell=True, capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(done.stdout.rstrip("\n"), printed.rstrip("\n"), command)
        self.assertEqual(program.stop(), 0)


if __name__ == "__main__":
    hello, quickstart = (os.path.realpath(path) for path in (sys.argv.pop(1), sys.argv.pop(1)))
    PROGRAMS = {"hello": [hello], "quickstart": [quickstart, "--port", "0"]}
    unittest.main()
