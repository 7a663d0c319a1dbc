#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/tutorial.md, docs/parameters.md and docs/models.md against the truth: tutorial_test.py PROGRAM...

Every C++ block stands, line for line, in a file of examples/tutorial/. Every text block stands, line for line, in what
one of the PROGRAMs prints.
"""

import glob
import os
import re
import subprocess
import sys
import unittest

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as text:
        return text.read()


def blocks(language):
    pages = read("docs/tutorial.md") + read("docs/parameters.md") + read("docs/models.md")
    return re.findall(rf"^```{language}\n(.*?)^```$", pages, re.M | re.S)


class Tutorial(unittest.TestCase):
    def check(self, language, truths):
        found = blocks(language)
        self.assertTrue(found)
        for block in found:
            self.assertTrue(any("\n" + block in "\n" + truth for truth in truths), f"This is nowhere:\n{block}")

    def test_its_code_is_cut_from_its_programs(self):
        self.check("cpp", [read(path) for path in glob.glob("examples/tutorial/*.cpp", root_dir=ROOT)])

    def test_its_answers_are_what_its_programs_print(self):
        run = [subprocess.run([each], capture_output=True, text=True, timeout=60, check=True) for each in PROGRAMS]
        self.check("text", [each.stdout for each in run])


if __name__ == "__main__":
    PROGRAMS = [os.path.realpath(path) for path in sys.argv[1:]]
    del sys.argv[1:]
    unittest.main()
