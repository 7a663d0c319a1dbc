# SPDX-License-Identifier: MIT
"""What the tests of the examples have in common: a running program, and curl."""

import collections
import os
import re
import signal
import socket
import subprocess

Reply = collections.namedtuple("Reply", "status headers body")  # Header names in lower case.


class Program:
    """An example that serves HTTP. Made: it listens."""

    def __init__(self, *command, folder=None, errors=None):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=folder)
        line = self.process.stdout.readline()  # Empty if it ended. The test runner's time limit bounds the wait.
        found = re.fullmatch(r"listening on https?://127\.0\.0\.1:(\d+)\n", line)
        if not found:
            self.kill()
            raise AssertionError(f"{command[0]} said {line!r}, and ended with {self.process.returncode}")
        self.port = int(found[1])

    def url(self, target):
        return f"http://127.0.0.1:{self.port}{target}"

    def ask(self, target, *options):
        return ask(self.url(target), *options)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self):
        """The exit status."""
        self.process.stdout.close()
        return self.process.wait(timeout=30)

    def stop(self):
        self.terminate()
        return self.wait()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def curl(*arguments):
    command = ["curl", "--silent", "--show-error", "--max-time", "20", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "LC_ALL": "C", "no_proxy": "*"})


def output_of(process):
    text = process.communicate()[0].decode()
    assert process.returncode == 0, f"curl ended with {process.returncode}: {process.args}"
    return text


def ask(url, *options):
    return read_reply(output_of(curl("--include", *options, url)))


def read_reply(text):
    """The last reply in what `curl --include` prints: a 100 (Continue) may come first."""
    head, _, body = text.partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    status = int(first.split()[1])
    if status < 200:
        return read_reply(body)
    fields = (line.partition(":") for line in lines)
    return Reply(status, {name.lower(): value.strip() for name, _, value in fields}, body)


def read_to_end(connection):
    """What the peer still sends before it closes."""
    parts = iter(lambda: connection.recv(65536), b"")
    return b"".join(parts).decode()
