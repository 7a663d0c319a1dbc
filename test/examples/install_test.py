#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What README says about one's own build, tried with its first program:
install_test.py MESON SOURCE_FOLDER BUILD_FOLDER LLHTTP_PREFIX COMPILER...
"""

import glob
import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, **options)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


class Build(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.realpath(folder.name)
        self.source = os.path.join(SOURCE_FOLDER, "examples", "hello.cpp")


class PkgConfig(Build):
    def setUp(self):
        super().setUp()
        run(MESON, "install", "-C", BUILD_FOLDER, "--no-rebuild", "--destdir", self.folder)
        [found] = glob.glob(self.folder + "/**/umbel.pc", recursive=True)
        places = {"PKG_CONFIG_PATH": os.path.dirname(found), "PKG_CONFIG_SYSROOT_DIR": self.folder}
        self.environment = {**os.environ, **places}

    def flags(self):
        return shlex.split(run("pkg-config", "--cflags", "--libs", "umbel", env=self.environment))

    def test_knows_what_a_program_needs(self):
        program = os.path.join(self.folder, "program")
        run(*COMPILER, "-std=c++20", self.source, *self.flags(), "-o", program)

    def test_tells_no_path_of_the_build(self):
        flags = " ".join(self.flags())
        self.assertNotIn(BUILD_FOLDER, flags)
        self.assertNotIn("llhttp/", flags)


class Subproject(Build):
    def test_gives_the_dependency_and_builds_nothing_else(self):
        self.make_project()
        built = os.path.join(self.folder, "build")
        run(MESON, "setup", built, self.folder, f"-Dumbel:llhttp_prefix={LLHTTP_PREFIX}")
        targets = run(MESON, "introspect", "--targets", built)
        self.assertIn("umbel-http1-uv", targets)
        self.assertNotIn("quickstart", targets)
        self.assertNotIn("_test", targets)

    def make_project(self):
        with open(os.path.join(SOURCE_FOLDER, "README.md"), encoding="utf-8") as readme:
            [lines] = re.findall(r"^```meson\n(.*?)^```$", readme.read(), re.M | re.S)
        with open(os.path.join(self.folder, "meson.build"), "w", encoding="utf-8") as project:
            project.write("project('mine', 'cpp', default_options: 'cpp_std=c++20')\n" + lines)
        os.symlink(self.source, os.path.join(self.folder, "main.cpp"))
        os.mkdir(os.path.join(self.folder, "subprojects"))
        os.symlink(SOURCE_FOLDER, os.path.join(self.folder, "subprojects", "umbel"))


if __name__ == "__main__":
    MESON, SOURCE_FOLDER, BUILD_FOLDER, LLHTTP_PREFIX, *COMPILER = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
