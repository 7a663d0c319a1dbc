#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is installed serves programs outside of this tree: examples/minimal is built with it in each of the four ways of
docs/installing.md, and runs.

    packages_test.py MESON SOURCE_FOLDER BUILD_FOLDER WORK_FOLDER LLHTTP_PREFIX C_COMPILER CXX_COMPILER

Two installations are tried: of the build under test, whose libraries are static as a rule, and of a release build with
static and shared ones. That, and the build of the subproject, are kept in WORK_FOLDER for the next time.
"""
import glob
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.request

COMPONENTS = ["core", "json-writer", "json", "uv", "di", "http1", "http1-uv", "loopback", "stdio", "testing", "testing-di",
              "testing-transport", "asio"]
WITHOUT_A_SHARED_LIBRARY = {"testing-transport", "asio"}  # It links GoogleTest; it is headers alone.
STRANGERS = ("simdjson", "llhttp", "libuv")  # An embedder with HTTP of his own wants none of them.

KINDS_OF_SYMBOL = ("(non-virtual|virtual|covariant return) thunk to", "(construction )?vtable for", "VTT for",
                   "typeinfo (name )?for", "guard variable for", "TLS (init|wrapper) function for")
OURS = re.compile(f"(({'|'.join(KINDS_OF_SYMBOL)}) )?umbel::")


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=1500, check=False, **options)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def standard(name):
    """Meson 1.0 knows no C++23 by name."""
    return ["-Dcpp_std=none", "-Dcpp_args=-std=" + name]


def compiled():
    """The environment in which Meson finds the compilers of the build under test."""
    return {**os.environ, "CC": C_COMPILER, "CXX": CXX_COMPILER}


def set_up(folder, source, *options, env=None):
    """A Meson build folder; one that was made with the same words is kept."""
    command = [MESON, "setup", folder, source, *options]
    said = os.path.join(folder, "set-up-with")
    words = "\n".join([*command, C_COMPILER, CXX_COMPILER])
    if os.path.exists(said):
        with open(said, encoding="utf-8") as kept:
            if kept.read() == words:
                return
    shutil.rmtree(folder, ignore_errors=True)
    run(*command, env=env or compiled())
    with open(said, "w", encoding="utf-8") as kept:
        kept.write(words)


class Tree:
    """An installation."""

    def __init__(self, prefix, root=""):
        self.prefix = root + prefix
        [self.pkg_config] = glob.glob(self.prefix + "/lib*/**/pkgconfig", recursive=True)
        self.lib = os.path.dirname(self.pkg_config)
        self.env = {**compiled(), "PKG_CONFIG_PATH": self.pkg_config}
        if root:
            self.env["PKG_CONFIG_SYSROOT_DIR"] = root

    def flags(self, *arguments):
        return shlex.split(run("pkg-config", *arguments, env=self.env))

    def shared(self):
        return sorted(glob.glob(self.lib + "/libumbel-*.so"))


def dynamic(library, kind):
    return re.findall(rf"\({kind}\).*\[(.*)\]", run("readelf", "-d", library))


def setUpModule():
    global SCRATCH, RELEASE, UNDER_TEST
    scratch = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(scratch.cleanup)
    SCRATCH = os.path.realpath(scratch.name)

    run(MESON, "install", "-C", BUILD_FOLDER, "--no-rebuild", "--destdir", SCRATCH + "/root")
    [place] = glob.glob(SCRATCH + "/root/**/include/umbel", recursive=True)
    UNDER_TEST = Tree(place.removeprefix(SCRATCH + "/root").removesuffix("/include/umbel"), SCRATCH + "/root")

    release, prefix = WORK_FOLDER + "/release", WORK_FOLDER + "/prefix"
    set_up(release, SOURCE_FOLDER, "--prefix=" + prefix, "--buildtype=release", "-Ddefault_library=both",
           "-Dtests=disabled", "-Dexamples=disabled", "-Dllhttp_prefix=" + LLHTTP_PREFIX)
    run("ninja", "-C", release)
    shutil.rmtree(prefix, ignore_errors=True)
    run(MESON, "install", "-C", release, "--no-rebuild")
    RELEASE = Tree(prefix)


def page_blocks(language):
    with open(SOURCE_FOLDER + "/docs/installing.md", encoding="utf-8") as page:
        return re.findall(rf"^```{language}\n(.*?)^```$", page.read(), re.M | re.S)


class Page(unittest.TestCase):
    def test_has_its_lines_from_the_example(self):
        for language, file in (("cmake", "CMakeLists.txt"), ("meson", "meson.build")):
            with open(f"{SOURCE_FOLDER}/examples/minimal/{file}", encoding="utf-8") as example:
                [block] = page_blocks(language)
                self.assertIn(block, example.read())


class Consumer(unittest.TestCase):
    """The programs of examples/minimal, built in some way."""

    def scratch(self):
        return tempfile.mkdtemp(dir=SCRATCH)

    def check(self, folder, tree=None):
        env = {**os.environ, "LD_LIBRARY_PATH": tree.lib} if tree else dict(os.environ)
        self.assertEqual(run(folder + "/tool", "greet", "Ada", env=env), "Hello, Ada!\n")
        self.assertEqual(self.ask(folder + "/server", env), "Hello, Ben!")
        needed = run("ldd", folder + "/tool", env=env)
        self.assertNotIn("not found", needed)
        for stranger in (*STRANGERS, "libumbel-http1", "libumbel-uv", "libumbel-json.so"):
            self.assertNotIn(stranger, needed)
        return needed

    def ask(self, server, env):
        with subprocess.Popen([server, "0"], stdout=subprocess.PIPE, text=True, env=env) as process:
            try:
                url = process.stdout.readline().strip()
                directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                with directly.open(url + "/greet/Ben", timeout=30) as reply:
                    text = reply.read().decode()
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(30), 0)
                return text
            finally:
                process.kill()


class PkgConfig(Consumer):
    def build(self, tree, *changes):
        """By the words of the page, with some changed."""
        [words] = [block for block in page_blocks("sh") if "pkg-config" in block]
        for old, new in changes:
            self.assertIn(old, words)
            words = words.replace(old, new)
        folder = self.scratch()
        for program in ("server.cpp", "tool.cpp"):
            os.symlink(f"{SOURCE_FOLDER}/examples/minimal/{program}", f"{folder}/{program}")
        run("bash", "-ec", f'c++() {{ {CXX_COMPILER} "$@"; }}\n{words}', cwd=folder, env=tree.env)
        return folder

    def test_gives_shared_libraries_to_cxx20(self):
        needed = self.check(self.build(RELEASE), RELEASE)
        self.assertIn("libumbel-di.so", needed)

    def test_gives_static_libraries_to_cxx23(self):
        if UNDER_TEST.shared():
            self.skipTest("the build under test has shared libraries")
        folder = self.build(UNDER_TEST, ("c++20", "c++23"), ("pkg-config ", "pkg-config --static "))
        self.assertNotIn("libumbel", self.check(folder))

    def test_has_the_graph_link_nothing_of_http_and_of_reading_json(self):
        for tree in (RELEASE, UNDER_TEST):
            flags = tree.flags("--static", "--libs", "umbel-di")
            self.assertEqual({flag for flag in flags if flag.startswith("-l")},
                             {"-lumbel-di", "-lumbel-core", "-lumbel-json-writer"})


class CMake(Consumer):
    def configure(self, source, prefix, *options):
        folder = self.scratch()
        launcher, compiler = shlex.split(CXX_COMPILER)[:-1], shlex.split(CXX_COMPILER)[-1]
        run("cmake", "-S", source, "-B", folder, "-DCMAKE_CXX_COMPILER=" + compiler, "-DCMAKE_PREFIX_PATH=" + prefix,
            "-DCMAKE_CXX_COMPILER_LAUNCHER=" + ";".join(launcher), *options, env=compiled())
        return folder

    def build(self, *arguments):
        folder = self.configure(*arguments)
        run("cmake", "--build", folder, "-j", str(len(os.sched_getaffinity(0))))
        return folder

    def minimal(self, prefix, *options):
        return self.build(SOURCE_FOLDER + "/examples/minimal", prefix, *options)

    def every(self, version="0.1", components=(), *options):
        return (SOURCE_FOLDER + "/test/packages/every", RELEASE.prefix, "-Dversion=" + version,
                "-Dcomponents=" + ";".join(components), *options)

    def test_gives_shared_libraries_of_a_tree_that_was_moved(self):
        moved = SCRATCH + "/moved"
        shutil.copytree(RELEASE.prefix, moved, symlinks=True)
        needed = self.check(self.minimal(moved))
        self.assertIn(moved + "/", needed)
        self.assertNotIn(RELEASE.prefix, needed)

    def test_gives_static_libraries_to_cxx23(self):
        needed = self.check(self.minimal(RELEASE.prefix, "-Dumbel_USE_STATIC_LIBS=ON", "-DCMAKE_CXX_STANDARD=23"))
        self.assertNotIn("libumbel", needed)

    def test_gives_static_libraries_where_there_are_no_others(self):
        if UNDER_TEST.shared():
            self.skipTest("the build under test has shared libraries")
        self.assertNotIn("libumbel", self.check(self.minimal(UNDER_TEST.prefix)))

    def test_has_a_target_for_every_component(self):
        # A program that hides its symbols shares with a shared library what they must agree on.
        for options in (["-DCMAKE_CXX_VISIBILITY_PRESET=hidden"], ["-Dumbel_USE_STATIC_LIBS=ON"]):
            folder = self.build(*self.every("0.1", ["umbel", *installed_components(RELEASE)], *options))
            self.assertEqual(run(folder + "/every"), "42 ready\n")

    def test_says_which_component_is_missing(self):
        with self.assertRaisesRegex(AssertionError, r"There\s+is\s+no\s+umbel::http9"):
            self.configure(*self.every("0.1", ["di", "http9"]))

    def test_refuses_another_minor_version_before_1_0(self):
        for version in ("0.0", "0.2", "0.1.9", "1.0"):
            with self.subTest(version), self.assertRaisesRegex(AssertionError, r"compatible\s+with\s+requested\s+version"):
                self.configure(*self.every(version, ["di"]))


class MesonDependency(Consumer):
    def minimal(self, tree, *options):
        folder = self.scratch()
        run(MESON, "setup", folder, SOURCE_FOLDER + "/examples/minimal", "--wrap-mode=nofallback", *options, env=tree.env)
        run("ninja", "-C", folder)
        return folder

    def test_gives_shared_libraries_to_cxx20(self):
        self.assertIn("libumbel-di.so", self.check(self.minimal(RELEASE), RELEASE))

    def test_gives_static_libraries_to_cxx23(self):
        needed = self.check(self.minimal(RELEASE, "-Dprefer_static=true", *standard("c++23")))
        self.assertNotIn("libumbel", needed)


class Subproject(Consumer):
    """Also of a tree that has umbel as a folder, and no .wrap file."""

    def project(self, name, source):
        folder = os.path.join(WORK_FOLDER, name)
        os.makedirs(folder + "/subprojects", exist_ok=True)
        for file in os.listdir(source):
            self.link(os.path.join(source, file), os.path.join(folder, file))
        self.link(SOURCE_FOLDER, folder + "/subprojects/umbel")
        return folder

    def link(self, target, place):
        if os.path.lexists(place):
            os.remove(place)
        os.symlink(target, place)

    def options(self, *more):
        # Fallbacks only: an umbel that is installed on this machine is none of this test.
        return ["--wrap-mode=forcefallback", "-Dumbel:llhttp_prefix=" + LLHTTP_PREFIX, *more]

    def test_gives_its_libraries(self):
        # It builds all of umbel: once with either compiler, but not in the same manner.
        manner = ["-Dumbel:default_library=shared", *standard("c++23")] if "clang" in CXX_COMPILER else []
        source = self.project("subproject", SOURCE_FOLDER + "/examples/minimal")
        folder = source + "/build"
        set_up(folder, source, *self.options("--buildtype=debug", "-Ddebug=false", *manner))
        run("ninja", "-C", folder, "server", "tool")
        self.assertEqual("libumbel" in self.check(folder), bool(manner))

    def test_gives_every_component(self):
        names = ["umbel", *("umbel-" + name for name in installed_components(RELEASE))]
        source = self.project("every", SOURCE_FOLDER + "/test/packages/every")
        said = run(MESON, "setup", SCRATCH + "/every", source, *self.options("-Dcomponents=" + ",".join(names)), env=compiled())
        for name in names:
            self.assertRegex(said, rf"Dependency {name} from subproject umbel found: YES|Dependency {name} found: YES")


class Headers(unittest.TestCase):
    def test_compile_alone_where_they_are_installed(self):
        run(SOURCE_FOLDER + "/test/compile_fail/headers", "--cxx", shlex.split(CXX_COMPILER)[-1], "--std", "c++23",
            "--installed", RELEASE.prefix + "/include")


class SharedLibraries(unittest.TestCase):
    def test_exist_of_every_other_component(self):
        names = {os.path.basename(path)[len("libumbel-"):-len(".so")] for path in RELEASE.shared()}
        self.assertEqual(names, set(installed_components(RELEASE)) - WITHOUT_A_SHARED_LIBRARY)

    def test_show_umbel_and_nothing_else(self):
        for library in RELEASE.shared():
            with self.subTest(library):
                names = run("nm", "-D", "-C", "--defined-only", "--format=just-symbols", library).splitlines()
                self.assertTrue(names)
                self.assertEqual([name for name in names if not OURS.match(name)], [])
                self.assertEqual([name for name in names if re.search("rapidjson|simdjson|llhttp", name)], [])

    def test_have_the_soname_of_their_minor_version(self):
        [version] = RELEASE.flags("--modversion", "umbel")
        abi = ".".join(version.split(".")[:2])
        for library in RELEASE.shared():
            with self.subTest(library):
                self.assertEqual(dynamic(library, "SONAME"), [f"{os.path.basename(library)}.{abi}"])
                self.assertEqual(os.path.basename(os.path.realpath(library)), f"{os.path.basename(library)}.{version}")

    def test_are_what_the_debian_package_is_named_for(self):
        [version] = RELEASE.flags("--modversion", "umbel")
        with open(SOURCE_FOLDER + "/.ci/debian/changelog", encoding="utf-8") as changelog:
            self.assertRegex(changelog.readline(), rf"^umbel \({re.escape(version)}-\d+\) ")
        with open(SOURCE_FOLDER + "/.ci/debian/control", encoding="utf-8") as control:
            packages = re.findall(r"^Package: (.*)$", control.read(), re.M)
        self.assertEqual(packages, ["libumbel" + ".".join(version.split(".")[:2]), "libumbel-dev"])

    def test_name_no_folder_but_their_own(self):
        for library in RELEASE.shared():
            self.assertEqual(dynamic(library, "RUNPATH") + dynamic(library, "RPATH"), ["$ORIGIN"])
            self.assertFalse([needed for needed in dynamic(library, "NEEDED") if "/" in needed])


def installed_components(tree):
    """By their .pc files. umbel-tls is there where OpenSSL is, umbel-gzip where zlib is, umbel-pages where its assets are."""
    names = {os.path.basename(path)[len("umbel-"):-len(".pc")] for path in glob.glob(tree.pkg_config + "/umbel-*.pc")}
    assert names - {"tls", "gzip", "pages"} == set(COMPONENTS), names
    return sorted(names)


if __name__ == "__main__":
    MESON, SOURCE_FOLDER, BUILD_FOLDER, WORK_FOLDER, LLHTTP_PREFIX, C_COMPILER, CXX_COMPILER = sys.argv[1:8]
    unittest.main(argv=[sys.argv[0], *sys.argv[8:]], verbosity=2)
