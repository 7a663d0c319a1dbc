# SPDX-License-Identifier: MIT
"""What the measuring scripts share: servers as child processes, and a table over the endpoints.

A server takes `--port 0`, prints `listening on 127.0.0.1:PORT` as its first line, and ends with 0 on SIGTERM.
"""
import argparse
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from http1_client import ENDPOINTS, WrongReply, send_many, serves

FLOOR, UMBEL = "http1_floor", "http1_bench"
REQUESTS = 2560


class Failure(Exception):
    """A sentence for whoever runs the script."""


@dataclass(frozen=True)
class Running:
    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """Of all its threads, user and kernel, since its start."""
        after_name = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, name: str) -> int:
        """Bytes: VmRSS, what is resident, or VmHWM, the most that ever was."""
        lines = pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":"))


@contextlib.contextmanager
def running(command: list, stderr=None):
    """Starts a server, gives it as a Running, stops it by SIGTERM."""
    process = subprocess.Popen([*map(str, command), "--port", "0"], stdout=subprocess.PIPE, stderr=stderr, text=True)
    try:
        line = process.stdout.readline()
        if not line.startswith("listening on 127.0.0.1:"):
            raise Failure(f"{command[-1]} said {line!r} instead of where it listens")
        yield Running(int(line.rsplit(":", 1)[1]), process.pid)
        process.send_signal(signal.SIGTERM)
        if process.wait(timeout=60) != 0:
            raise Failure(f"{command[-1]} ended with {process.returncode} on SIGTERM")
    except subprocess.TimeoutExpired:
        raise Failure(f"{command[-1]} did not end on SIGTERM") from None
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def is_served(server: pathlib.Path, name: str) -> bool:
    with running([server]) as running_server:
        return serves(running_server.port, ENDPOINTS[name])


def per_request(total, server: pathlib.Path, name: str, depth: int) -> float:
    """`total(server, load)` runs a server under a load and returns a count: that of twice the requests less that of
    the requests, so that start, first use and end fall out."""

    def load(requests):
        return lambda running_server: send_many(running_server.port, ENDPOINTS[name], requests, depth)

    return (total(server, load(2 * REQUESTS)) - total(server, load(REQUESTS))) / REQUESTS


def temporary_folder():
    return tempfile.TemporaryDirectory(prefix="umbel-bench-")


class Table:
    """Markdown, a row at a time."""

    def __init__(self, *columns: str):
        self.row(*columns)
        self.row("---", *["--:"] * (len(columns) - 1))

    def row(self, *cells: str):
        print("| " + " | ".join(cells) + " |", flush=True)


def figure(value, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def ratio(value, floor) -> str:
    return "-" if value is None or not floor else f"{value / floor:.2f}"


def compare(measure, build: pathlib.Path, names: list, digits: int):
    """A table of the floor and umbel, from `measure(server, endpoint name)`."""
    floor, umbel = find_servers(build)
    known = {}

    def value(server, name):
        if server is None:
            return None
        if (server, name) not in known:
            known[server, name] = measure(server, name) if is_served(server, name) else None
        return known[server, name]

    table = Table("endpoint", "floor", "umbel", "umbel / floor")
    for name in names:
        base, ours = value(floor, ENDPOINTS[name].floor), value(umbel, name)
        table.row(f"({name})", figure(base, digits), figure(ours, digits), ratio(ours, base))


def find_servers(build: pathlib.Path) -> list:
    """The floor and umbel, None for each that was not built."""
    servers = [build / "bench" / name for name in (FLOOR, UMBEL)]
    for server in servers:
        if not server.exists():
            print(f"{server} was not built: it is left out.", file=sys.stderr)
    if not any(server.exists() for server in servers):
        raise Failure(f"nothing to measure in {build}")
    return [server if server.exists() else None for server in servers]


def options_for(description: str) -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--build", type=pathlib.Path, metavar="DIR", help="a build folder: compare floor and umbel")
    options.add_argument("--endpoints", type=lambda text: text.split(","), default=list(ENDPOINTS), metavar="A,B,...")
    return options


def measure_as_told(total, description: str, digits: int) -> int:
    """The main of a script that counts something per request."""
    options = options_for(description)
    options.add_argument("--pipeline", type=int, default=1, metavar="DEPTH")
    options.add_argument("server", nargs="?", type=pathlib.Path)
    options.add_argument("endpoint", nargs="?", choices=ENDPOINTS)
    given = options.parse_args()
    if bool(given.build) == bool(given.endpoint):
        options.error("either --build DIR, or a server and an endpoint")

    def measure(server, name):
        return per_request(total, server.resolve(), name, given.pipeline)

    def work():
        if given.build:
            compare(measure, given.build, given.endpoints, digits)
        else:
            print(figure(measure(given.server, given.endpoint), digits))

    return report_failure(work)


def report_failure(work) -> int:
    try:
        work()
    except (Failure, WrongReply, OSError) as error:
        print(f"{pathlib.Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return 1
    return 0


def make_certificate(folder):
    """A chain and its RSA key, as files."""
    chain, key = pathlib.Path(folder) / "chain.pem", pathlib.Path(folder) / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", chain, "-subj",
                    "/CN=localhost"], check=True, capture_output=True)
    return chain, key


@dataclass(frozen=True)
class RunningTls(Running):
    """`port` is the plain one."""
    tls_port: int


@contextlib.contextmanager
def serving_tls(*command):
    """Starts bench/tls_bench with these arguments, kills it at the end."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        plain_port, tls_port = map(int, process.stdout.readline().split())
        yield RunningTls(plain_port, process.pid, tls_port)
    finally:
        process.kill()
        process.wait()
