#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What README says about one's own build, tried on an installation:
install_test.py MESON BUILD_FOLDER SOURCE COMPILER...
"""

import glob
import os
import shlex
import subprocess
import sys
import tempfile
import unittest


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, **options)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


class Install(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = os.path.realpath(folder.name)
        run(MESON, "install", "-C", BUILD_FOLDER, "--no-rebuild", "--destdir", self.root)
        [found] = glob.glob(self.root + "/**/umbel.pc", recursive=True)
        self.environment = {**os.environ, "PKG_CONFIG_PATH": os.path.dirname(found), "PKG_CONFIG_SYSROOT_DIR": self.root}

    def flags(self, *options):
        return shlex.split(run("pkg-config", *options, "umbel", env=self.environment))

    def test_a_program_builds_with_what_pkg_config_says(self):
        program = os.path.join(self.root, "program")
        run(*COMPILER, "-std=c++20", SOURCE, *self.flags("--cflags", "--libs"), "-o", program)

    def test_no_path_of_the_build_is_left_in_the_flags(self):
        flags = " ".join(self.flags("--cflags", "--libs"))
        self.assertNotIn(BUILD_FOLDER, flags)
        self.assertNotIn("llhttp/", flags)


if __name__ == "__main__":
    MESON, BUILD_FOLDER, SOURCE, *COMPILER = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
