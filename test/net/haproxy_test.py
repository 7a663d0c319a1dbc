#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A real HAProxy in front of two replicas, under load: a rolling restart of both loses no request."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "examples"))
from program import Program  # noqa: E402

CLIENTS = 8
CHECK_MS = 100
DRAIN_DELAY_MS = 600  # Longer than it takes HAProxy to notice.
LONGEST = 25  # Seconds, of the whole.

# Nothing hides a loss: no retries, and a request that was begun with one server does not go on to another.
CONFIG = """
global
  maxconn 200
defaults
  mode http
  retries 0
  timeout connect 2s
  timeout check 2s
  timeout client 10s
  timeout server 10s
frontend all
  bind fd@{fd}
  default_backend replicas
backend replicas
  balance roundrobin
  option httpchk GET /readyz
  http-check expect status 200
  default-server check inter {inter}ms fall 1 rise 1
{servers}
"""


class Balancer:
    def __init__(self, haproxy, ports):
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        servers = "\n".join(f"  server replica{i} 127.0.0.1:{port}" for i, port in enumerate(ports))
        self.config = tempfile.NamedTemporaryFile("w", suffix=".cfg")
        self.config.write(CONFIG.format(fd=listening.fileno(), inter=CHECK_MS, servers=servers))
        self.config.flush()
        command = [haproxy, "-db", "-q", "-f", self.config.name]
        self.process = subprocess.Popen(command, pass_fds=[listening.fileno()], stderr=subprocess.DEVNULL)
        listening.close()

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.config.close()


class Load:
    """Clients that ask, one request after another, on connections that are kept."""

    def __init__(self, port):
        self.port = port
        self.good = 0
        self.bad = []
        self.served = {}  # Process: number of replies.
        self.is_over = False

    async def one_client(self, number):
        body = f"client {number}"
        requests = [
            b"GET /work HTTP/1.1\r\nHost: test\r\n\r\n",
            f"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode(),
        ]
        while not self.is_over:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                kept = True
                while kept and not self.is_over:
                    writer.write(requests[self.good % 2])
                    kept = await asyncio.wait_for(self.read_reply(reader), 10)
                writer.close()
            except (OSError, EOFError, asyncio.TimeoutError) as error:
                self.bad.append(repr(error))

    async def read_reply(self, reader):
        """Whether the connection is kept."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = (await reader.readexactly(int(fields.get("content-length", 0)))).decode()
        if head.split()[1] == "200":
            self.good += 1
            process = int(body.split()[0])
            self.served[process] = self.served.get(process, 0) + 1
        else:
            self.bad.append(head.split("\r\n")[0])
        return fields.get("connection") != "close"

    async def until(self, condition):
        end = time.monotonic() + LONGEST
        while not condition():
            assert time.monotonic() < end, f"{self.good} good, bad {self.bad[:5]}, {self.served}"
            await asyncio.sleep(0.01)

    async def until_served_by(self, process):
        before = self.served.get(process, 0)
        await self.until(lambda: self.served.get(process, 0) > before + 20)


async def restart(load, replicas, index, command):
    """Ends a replica as a supervisor does, and starts another one on its port."""
    old = replicas[index]
    old.terminate()
    await load.until(lambda: old.process.poll() is not None)
    assert old.wait() == 0
    replicas[index] = Program(*command(old.port))
    await load.until_served_by(replicas[index].process.pid)


async def roll(load, replicas, command):
    clients = [asyncio.create_task(load.one_client(i)) for i in range(CLIENTS)]
    for replica in replicas:
        await load.until_served_by(replica.process.pid)
    for index in range(len(replicas)):
        await restart(load, replicas, index, command)
    load.is_over = True
    await asyncio.gather(*clients)


def main():
    replica, haproxy, *rest = sys.argv[1:]
    delay = int(rest[0]) if rest else DRAIN_DELAY_MS
    if not haproxy:
        print("skipped: there is no haproxy (Debian: haproxy); ./dev test installs it")
        return 77

    def command(port):
        return [replica, str(port), "2", str(delay)]

    replicas = [Program(*command(0)) for _ in range(2)]
    balancer = Balancer(haproxy, [replica.port for replica in replicas])
    load = Load(balancer.port)
    try:
        time.sleep(0.3)  # HAProxy holds its servers for healthy until it has looked.
        asyncio.run(roll(load, replicas, command))
        statuses = [replica.stop() for replica in replicas]
    finally:
        balancer.stop()
        for replica in replicas:
            replica.kill()
    print(f"{load.good} requests answered, {len(load.bad)} lost, by {len(load.served)} processes")
    assert not load.bad, load.bad[:10]
    assert len(load.served) == 4 and statuses == [0, 0], (load.served, statuses)
    return 0


if __name__ == "__main__":
    sys.exit(main())
