#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The .pc files of the components, tried on an installation: a program that takes two of them builds and runs.

    components_test.py MESON BUILD_FOLDER SOURCE COMPILER...
"""
import glob
import os
import shlex
import subprocess
import sys
import tempfile
import unittest

COMPONENTS = {"umbel", "umbel-core", "umbel-json", "umbel-json-writer", "umbel-uv", "umbel-testing", "umbel-testing-di", "umbel-di",
              "umbel-http1", "umbel-http1-uv", "umbel-loopback", "umbel-stdio", "umbel-testing-transport", "umbel-asio"}
OPTIONAL = {"umbel-tls", "umbel-gzip", "umbel-pages"}  # Where OpenSSL is, zlib, and what pages show.


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False, **options)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


class Components(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = os.path.realpath(folder.name)
        run(MESON, "install", "-C", BUILD_FOLDER, "--no-rebuild", "--destdir", cls.root)
        found = glob.glob(cls.root + "/**/umbel*.pc", recursive=True)
        cls.names = {os.path.basename(path).removesuffix(".pc") for path in found}
        cls.environment = {**os.environ, "PKG_CONFIG_PATH": os.path.dirname(found[0]), "PKG_CONFIG_SYSROOT_DIR": cls.root}

    def flags(self, *arguments):
        # A build with default_library=static has nothing else to link with.
        kind = [] if self.libraries("so") else ["--static"]
        return shlex.split(run("pkg-config", *kind, *arguments, env=self.environment))

    def libraries(self, suffix):
        """The folders that hold them."""
        return {os.path.dirname(path) for path in glob.glob(f"{self.root}/**/libumbel-*.{suffix}", recursive=True)}

    def test_every_component_has_its_file(self):
        self.assertEqual(self.names - OPTIONAL, COMPONENTS)

    def test_a_program_runs_with_the_graph_and_the_client_alone(self):
        program = os.path.join(self.root, "program")
        run(*COMPILER, "-std=c++20", SOURCE, *self.flags("--cflags", "--libs", "umbel-di", "umbel-loopback"), "-o", program)

        said = run(program, env={**self.environment, "LD_LIBRARY_PATH": os.pathsep.join(self.libraries("so"))})

        self.assertEqual(said, "page 7\n")

    def test_the_graph_brings_neither_libuv_nor_http(self):
        flags = self.flags("--libs", "umbel-di", "umbel-loopback")

        self.assertFalse([flag for flag in flags if flag in ("-luv", "-lumbel-uv", "-lumbel-http1", "-lumbel-http1-uv")])

    def test_every_component_links_by_itself(self):
        for name in sorted(self.names):
            with self.subTest(name):
                run(*COMPILER, "-std=c++20", "-x", "c++", "-", *self.flags("--cflags", name), "-x", "none", *self.flags("--libs", name),
                    "-Wl,--no-as-needed", "-o", os.path.join(self.root, "empty"), input="int main() {}")


if __name__ == "__main__":
    MESON, BUILD_FOLDER, SOURCE, *COMPILER = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
