#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server that is started as systemd starts one: with its socket open already, and connections waiting in it."""

import os
import signal
import socket
import sys
import unittest

REPLICA = sys.argv.pop(1)
REQUEST = b"GET /work HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"


def activate(listening, threads):
    """The process, by its number. Between fork and exec, like systemd: who is meant is the child."""
    child = os.fork()
    if child:
        return child
    os.dup2(listening.fileno(), 3)
    os.set_inheritable(3, True)  # It may have been 3 before.
    environment = {**os.environ, "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "http"}
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.execve(REPLICA, [REPLICA, "systemd", str(threads), "0"], environment)


def end(child):
    os.kill(child, signal.SIGTERM)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def connect(listening):
    family = listening.family
    peer = socket.socket(family)
    peer.settimeout(10)
    peer.connect(listening.getsockname())
    return peer


def reply_to(peer):
    with peer:
        text = b"".join(iter(lambda: peer.recv(65536), b"")).decode()
    return text.split()[1], text.rpartition("\r\n\r\n")[2]


class Activation(unittest.TestCase):
    def serve_twice(self, listening, threads):
        for _ in range(2):
            early = connect(listening)  # Nobody is there.
            early.sendall(REQUEST)
            child = activate(listening, threads)
            self.assertEqual(reply_to(early), ("200", str(child)))
            peers = [connect(listening) for _ in range(6)]
            for peer in peers:
                peer.sendall(REQUEST)
            self.assertEqual({reply_to(peer) for peer in peers}, {("200", str(child))})
            self.assertEqual(end(child), 0)

    def test_a_peer_that_comes_between_two_processes_waits_for_the_next(self):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.serve_twice(listening, 1)

    def test_several_threads_share_the_socket(self):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.serve_twice(listening, 3)

    def test_a_path_stays_when_the_process_ends(self):
        path = f"/tmp/umbel-systemd-{os.getpid()}"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path)
            try:
                listening.listen()
                self.serve_twice(listening, 1)
            finally:
                os.unlink(path)


if __name__ == "__main__":
    unittest.main()
