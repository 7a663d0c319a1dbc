# SPDX-License-Identifier: MIT
"""What the scripts of this folder ask of a build: which folders its compiler looks into."""
import json
import pathlib
import shlex
import shutil
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def commands(build: str):
    """(source file, its compiler's arguments, the folder it runs in) of all that the build compiles."""
    for entry in json.loads((pathlib.Path(build) / "compile_commands.json").read_text()):
        folder = pathlib.Path(entry["directory"])
        yield (folder / entry["file"]).resolve(), shlex.split(entry["command"]), folder


def roots(build: str, sources: str) -> list:
    """Where the files below `sources`, say di/src, find their includes: paths in the order of search."""
    for file, arguments, folder in commands(build):
        if file.is_relative_to(SOURCE / sources):
            return [(folder / path).resolve() for path in include_paths(arguments)]
    raise SystemExit(f"{build} compiles nothing in {sources}")


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
