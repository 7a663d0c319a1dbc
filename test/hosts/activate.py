#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Starts a program as systemd would, with a socket that listens: activate.py PROGRAM PORT"""

import os
import socket
import sys

program, port = sys.argv[1:]
with socket.create_server(("127.0.0.1", int(port)), backlog=1024) as listening:
    passed = listening.detach()
if passed != 3:
    os.dup2(passed, 3)
    os.close(passed)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="http")
os.execv(program, [program, "1"])  # A port that it could not have: it takes the socket, or fails.
