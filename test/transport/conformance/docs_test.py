#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/transports.md against what it speaks of: its table of results, and the pieces that are cut from the example.

    docs_test.py ROOT EXECUTABLE...
"""
import collections
import os
import re
import subprocess
import sys
import unittest

NAMES = {"Http1OverTcp": "http1, TCP", "Http1OverUnix": "http1, unix socket", "Http1Adopted": "http1, adopted",
         "Http1OverTls": "http1, TLS", "Loopback": "loopback", "Stdio": "stdio",
         "Mailbox": "examples/custom_transport"}
GROUPS = "Mapping|Streaming|Lifecycle|Concurrency|Limits|Drain|Misuse|Differential"


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def results(executable):
    """For each transport in it: how many passed, and how many were skipped for want of what."""
    done = subprocess.run([executable], capture_output=True, text=True, timeout=200, check=True)
    passed, skipped = collections.Counter(), collections.defaultdict(collections.Counter)
    reason = None
    for line in done.stdout.splitlines():
        if found := re.search(r"Capabilities have no (\w+)", line):
            reason = found[1]
        elif found := re.match(rf"\[ +(OK|SKIPPED) +\] (\w+?)({GROUPS})\.\w+ \(", line):
            if found[1] == "OK":
                passed[found[2]] += 1
            else:
                skipped[found[2]][reason] += 1
    return {name: (passed[name], skipped[name]) for name in passed}


def row(name, passed, skipped):
    reasons = ", ".join(f"{skipped[reason]} `{reason}`" for reason in sorted(skipped))
    return f"| {NAMES[name]} | {passed} | {reasons or 'none'} |"


class Docs(unittest.TestCase):
    def test_the_table_has_what_the_kit_says(self):
        docs = read("docs/transports.md")
        for executable in EXECUTABLES:
            for name, (passed, skipped) in results(executable).items():
                self.assertIn(row(name, passed, skipped), docs)

    def test_the_pieces_are_the_examples(self):
        docs = read("docs/transports.md")
        for path, marks in (("examples/custom_transport/mailbox.hpp", ("mailbox", "deliver", "exchange")),
                            ("test/transport/conformance/custom_test.cpp", ("harness",))):
            for mark in marks:
                piece = read(path).split(f"// [{mark}]\n")[1]
                self.assertIn(piece.strip(), docs, f"{path} [{mark}]")


if __name__ == "__main__":
    ROOT, *EXECUTABLES = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
