#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The documents of two Apps: openapi_test.py DOCUMENT SHOP_API.

DOCUMENT prints that of the rich App, which is held against rich.json: for eyes, with line breaks that are not in it.
`openapi_test.py --renew DOCUMENT` writes rich.json anew. SHOP_API serves its own. Both are read by the tools of test/npm,
where these are installed.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TOOLS = ROOT / ".deps" / "npm-test"
GOLDEN = HERE / "rich.json"

sys.path.insert(0, str(HERE.parent / "examples"))
from program import Program  # noqa: E402


def print_document():
    return subprocess.run([DOCUMENT], capture_output=True, timeout=60, check=True).stdout.decode()


def spread(document):
    """The same with line breaks. Documents that differ in one byte differ here, too: nothing but white space between
    tokens is added, where there is none."""
    out, depth, in_string, escaped = [], 0, False, False
    for c in document:
        if in_string:
            out.append(c)
            in_string = escaped or c != '"'
            escaped = c == "\\" and not escaped
            continue
        in_string = c == '"'
        depth += (c in "{[") - (c in "}]")
        opens = out and out[-1] in "{[,"
        if (c in "}]" and out[-1] not in "{[") or (c not in "}]" and opens):
            out.append("\n" + "  " * depth if c not in "{[" else "\n" + "  " * (depth - 1))
        out.append(c)
    return "".join(out) + "\n"


class OpenApi(unittest.TestCase):
    maxDiff = None

    def test_the_document_is_the_golden_one(self):
        self.assertEqual(spread(print_document()), GOLDEN.read_text(encoding="utf-8"))

    def test_every_process_makes_the_same_bytes(self):
        self.assertEqual(print_document(), print_document())

    def test_the_official_schema_and_a_linter_accept_the_documents(self):
        node = shutil.which("node")
        if not node:
            self.skipTest("there is no node (./dev setup --npm)")
        if not (TOOLS / "node_modules").is_dir():
            self.skipTest("test/npm is not installed (./dev setup --npm)")
        with tempfile.TemporaryDirectory() as folder:
            files = [os.path.join(folder, name) for name in ("rich.json", "shop.json")]
            for file, text in zip(files, (print_document(), self.ask_the_shop())):
                pathlib.Path(file).write_text(text, encoding="utf-8")
            accept = [node, HERE / "accept.mjs", TOOLS]
            told = subprocess.run([*accept, *files], capture_output=True, text=True, timeout=100, check=False)
            self.assertEqual((told.returncode, told.stdout), (0, "2 accepted\n"), told.stdout + told.stderr)

            wrong = pathlib.Path(folder, "wrong.json")
            wrong.write_text(print_document().replace('"in":"query"', '"in":"somewhere"'), encoding="utf-8")
            self.assertNotEqual(subprocess.run([*accept, wrong], capture_output=True, timeout=100, check=False).returncode, 0)

    def test_its_page_is_cut_from_the_shop(self):
        page = (ROOT / "docs" / "openapi.md").read_text(encoding="utf-8")
        code = [path.read_text(encoding="utf-8") for path in (ROOT / "examples" / "shop_api").glob("*.?pp")]
        for block in re.findall(r"^```cpp\n(.*?)^```$", page, re.M | re.S):
            self.assertTrue(any("\n" + block in text for text in code), f"This is nowhere:\n{block}")
        document = self.ask_the_shop()
        for block in re.findall(r"^```json\n(.*?)^```$", page, re.M | re.S):
            told = "".join(line.strip() for line in block.splitlines())
            self.assertIn(told, document)

    def ask_the_shop(self):
        shop = Program(SHOP_API, "--port", "0")
        self.addCleanup(shop.kill)
        reply = shop.ask("/openapi.json")
        self.assertEqual((reply.status, reply.headers["content-type"]), (200, "application/json"))
        return reply.body


if __name__ == "__main__":
    renew = sys.argv[1] == "--renew"
    DOCUMENT, SHOP_API = [os.path.realpath(path) for path in [*sys.argv[1 + renew:], ""][:2]]
    del sys.argv[1:]
    if renew:
        GOLDEN.write_text(spread(print_document()), encoding="utf-8")
    else:
        unittest.main(verbosity=2)  # Tells why a test is skipped.
