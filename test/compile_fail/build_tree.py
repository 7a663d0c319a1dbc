# SPDX-License-Identifier: MIT
"""What the scripts of this folder ask of a build: which folders its compiler looks into."""
import json
import pathlib
import re
import shlex
import shutil
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def commands(build: str):
    """(source file, its compiler's arguments, the folder it runs in) of all that the build compiles."""
    for entry in json.loads((pathlib.Path(build) / "compile_commands.json").read_text()):
        folder = pathlib.Path(entry["directory"])
        yield (folder / entry["file"]).resolve(), shlex.split(entry["command"]), folder


def roots(build: str, sources: str, pattern: str = ".*") -> list:
    """Where the files in `sources`, say di/src, find their includes: paths in the order of search."""
    for file, arguments, folder in commands(build):
        if file.parent == SOURCE / sources and re.fullmatch(pattern, file.name):
            return [(folder / path).resolve() for path in include_paths(arguments)]
    raise SystemExit(f"{build} compiles nothing of {pattern} in {sources}")


def public_headers() -> list:
    """All that is installed: include/umbel/ of every component."""
    folders = [SOURCE / top for top in ("core", "di", "transport")]
    return sorted(path for folder in folders for path in folder.rglob("*.hpp") if "/include/umbel/" in str(path))


def root_of(header: pathlib.Path) -> pathlib.Path:
    """The include folder that a public header lies in."""
    return next(folder for folder in header.parents if folder.name == "include")


def include_paths(arguments: list):
    flags = iter(arguments)
    for flag in flags:
        for kind in ("-isystem", "-I"):
            if flag == kind:
                yield next(flags)
            elif flag.startswith(kind):
                yield flag.removeprefix(kind)


def installed_compilers() -> list:
    return [compiler for compiler in ("g++", "clang++-19") if shutil.which(compiler)]


def family(compiler: str) -> str:
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout
    return "clang" if "clang" in version else "g++"
