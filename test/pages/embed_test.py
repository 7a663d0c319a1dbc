#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What di/pages/embed makes: embed_test.py EMBED."""
import gzip
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

PACKAGES = {"swagger-ui-dist": ["NOTICE", "LICENSE", "swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt", "swagger-ui.css"],
            "cytoscape": ["LICENSE", "dist/cytoscape.min.js"], "cytoscape-dagre": ["LICENSE", "dist/cytoscape-dagre.min.js"],
            "@dagrejs/dagre": ["LICENSE"]}
OURS = ["page.css", "docs.css", "docs.js", "graph.css", "graph.js", "canvas.css", "icon.svg", "graph.html"]


class Embed(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for package, files in PACKAGES.items():
            for file in files:
                self.write(f"npm/{package}/{file}", f"{package} {file}\n//# sourceMappingURL=x.map\n")
            self.write(f"npm/{package}/package.json", json.dumps({"version": "1.2.3", "license": "MIT"}))
        for file in OURS:
            self.write(f"web/{file}", f"ours {file}\n")
        self.write("web/docs.html", "<link href='{{here}}/files/{{file:docs.css}}'>")

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def embed(self, out="out"):
        """The table's rows by name: type, tag, bytes, gzip."""
        folder = self.root / out
        folder.mkdir(exist_ok=True)
        subprocess.run([sys.executable, EMBED, "--out", folder, "--assets", self.root / "npm", "--web", self.root / "web"], check=True)
        blob = (folder / "pages.bin").read_bytes()
        rows = {}
        for name, kind, tag, at, size, packed, packed_size in re.findall(
                r'\{"(.*?)", "(.*?)", "(.*?)", (\d+), (\d+), (\d+), (\d+)\}', (folder / "asset_table.cpp").read_text(encoding="utf-8")):
            rows[name] = (kind, tag, blob[int(at):int(at) + int(size)], blob[int(packed):int(packed) + int(packed_size)])
        return rows

    def names(self, stem):
        return [name for name in self.embed() if name.startswith(stem)]

    def test_has_each_file_as_it_is_and_as_gzip(self):
        rows = self.embed()

        self.assertEqual(len(rows), 4 + 7 + 1 + 2)
        for name, (_, _, plain, packed) in rows.items():
            self.assertEqual(gzip.decompress(packed), plain, name)

    def test_makes_the_same_twice(self):
        self.embed("one")
        self.embed("two")

        for file in ("pages.bin", "asset_table.cpp"):
            self.assertEqual((self.root / "one" / file).read_bytes(), (self.root / "two" / file).read_bytes())

    def test_names_change_with_contents_and_pages_follow(self):
        [before] = self.names("docs.") and [name for name in self.names("docs.") if name.endswith(".css")]
        self.write("web/docs.css", "changed\n")
        rows = self.embed()
        [after] = [name for name in rows if name.startswith("docs.") and name.endswith(".css")]

        self.assertNotEqual(before, after)
        self.assertIn(after.encode(), rows["docs.html"][2])

    def test_source_maps_are_not_asked_for(self):
        for name, (_, _, plain, _) in self.embed().items():
            if name.endswith((".js", ".css")):
                self.assertNotIn(b"sourceMappingURL", plain, name)

    def test_licences_are_there_with_versions(self):
        [name] = self.names("licences")
        text = self.embed()[name][2].decode()

        for package, files in PACKAGES.items():
            self.assertIn(f"{package} 1.2.3, MIT", text)
            for file in files:
                if "LICENSE" in file or file == "NOTICE":
                    self.assertIn(f"{package} {file}", text)

    def test_a_file_that_no_page_may_name_is_refused(self):
        self.write("web/docs.html", "{{file:missing.js}}")

        with self.assertRaises(subprocess.CalledProcessError):
            self.embed()


if __name__ == "__main__":
    EMBED = sys.argv.pop(1)
    unittest.main()
