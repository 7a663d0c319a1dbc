#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the lint on each file in cases/ and compares what it reports with the lines marked `// LINT: row, row`."""

import glob
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
REPORT = re.compile(r"(.+?):(\d+):\d+: error: .+; .+ \[umbel-lint-([\w-]+)\]")


def main():
    cases = sorted(glob.glob(os.path.join(HERE, "cases", "*.cpp")))
    reported, status, errors = run_lint(*cases)
    failures = sum([check(case, reported) for case in cases])
    failures += expect("every row has a case", rows() == {name_of(case) for case in cases})
    failures += expect("nothing is reported elsewhere", all(file in cases for file, _, _ in reported))
    failures += expect(f"exit status 1 when something is found {errors}", status == 1)
    failures += expect("exit status 0 for a clean file", run_lint(os.path.join(HERE, "cases", "tiny_task.hpp"))[1] == 0)
    failures += expect("exit status 2 for a file that does not compile", run_lint(cases[0], "--", "-DTask=")[1] == 2)
    failures += expect("exit status 2 for a file that is not there", run_lint("no-such-file.cpp")[1] == 2)
    failures += expect("the flags are the build's, and only headers of the user's tree count", checks_headers())
    return 1 if failures else 0


def check(case, reported):
    """One line for the case, and one for each difference. A row must have a marked line in the case of its name."""
    found = {(line, row) for file, line, row in reported if file == case}
    wanted = marks(case)
    differences = [f"  {case}:{line}: not reported: {row}" for line, row in sorted(wanted - found)]
    differences += [f"  {case}:{line}: reported, but not marked: {row}" for line, row in sorted(found - wanted)]
    if name_of(case) not in {row for _, row in wanted}:
        differences.append(f"  {case}: marks no line with its own row")
    return expect("\n".join([name_of(case), *differences]), not differences)


def marks(case):
    with open(case, encoding="utf-8") as text:
        return {
            (number, row)
            for number, line in enumerate(text, 1)
            for mark in re.findall(r"// LINT: (.+)", line)
            for row in mark.strip().split(", ")
        }


def checks_headers():
    """A file whose compile command finds the same broken header twice, once as the user's and once as a system's."""
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        broken = "#include <tiny_task.hpp>\ninline Task<int> NAME() { co_return co_await save({}); }\n"
        write(f"{folder}/own/own.hpp", broken.replace("NAME", "own"))
        write(f"{folder}/system/system.hpp", broken.replace("NAME", "system"))
        write(f"{folder}/src/main.cpp", "#include <own.hpp>\n#include <system.hpp>\n#ifndef BUILD\n#error\n#endif\n")
        command = f"g++ -fcoroutines -std=c++20 -DBUILD -I../own -isystem ../system -isystem {HERE}/cases -c main.cpp"
        entry = {"directory": f"{folder}/src", "command": f"{command} -o main.o", "file": "main.cpp"}
        write(f"{folder}/build/compile_commands.json", json.dumps([entry]))
        reported, status, _ = run_lint("--build-dir", f"{folder}/build", f"{folder}/src/main.cpp")
        return status == 1 and reported == {(f"{folder}/own/own.hpp", 2, "aggregate-temporary")}


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def run_lint(*arguments):
    command = [os.path.join(HERE, "run"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [REPORT.fullmatch(line) for line in done.stdout.splitlines()]
    assert all(found), done.stdout
    return {(os.path.realpath(hit[1]), int(hit[2]), hit[3]) for hit in found}, done.returncode, done.stderr


def rows():
    with open(os.path.join(HERE, "words.txt"), encoding="utf-8") as text:
        return {line.split(" | ")[0] for line in text if not line.startswith("#")}


def name_of(case):
    return os.path.splitext(os.path.basename(case))[0]


def expect(claim, holds):
    print("ok  " if holds else "FAIL", claim)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
