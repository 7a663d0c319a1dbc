#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The pages in headless Chromium: browser_test.py SHOP NODE CHROMIUM NODE_MODULES SCREENSHOTS.

Skips where there is no node, no chromium or no puppeteer-core; ./dev setup --net installs them. What is done there is in
browser_test.mjs. Its screenshots stay in the folder SCREENSHOTS.
"""
import os
import signal
import subprocess
import sys
import tempfile

SKIPPED = 77
LIMIT = 150  # Seconds.


def reason_to_skip(node, chromium, modules):
    if not node:
        return "there is no node"
    if not chromium:
        return "there is no chromium"
    if not os.path.exists(os.path.join(modules, "puppeteer-core")):
        return f"there is no puppeteer-core in {modules}"
    return None


def main():
    shop, node, chromium, modules, screenshots = sys.argv[1:]
    if reason := reason_to_skip(node, chromium, modules):
        print(f"skipped: {reason} (./dev setup --net installs it)")
        return SKIPPED
    os.makedirs(screenshots, exist_ok=True)
    script = os.path.join(os.path.dirname(os.path.realpath(__file__)), "browser_test.mjs")
    with subprocess.Popen([shop], stdout=subprocess.PIPE, text=True) as server, tempfile.TemporaryDirectory() as profile:
        try:
            port = server.stdout.readline().strip()
            # A group of its own, so that no part of the browser is left behind.
            with subprocess.Popen([node, script, f"http://127.0.0.1:{port}", chromium, modules, screenshots, profile],
                                  start_new_session=True) as browser:
                try:
                    return browser.wait(timeout=LIMIT)
                except subprocess.TimeoutExpired:
                    print(f"it was not done within {LIMIT} s")
                    return 1
                finally:
                    try:
                        os.killpg(browser.pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
        finally:
            server.terminate()
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.kill()


if __name__ == "__main__":
    sys.exit(main())
