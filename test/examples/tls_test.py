#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The TLS example, asked by curl and by openssl s_client: tls_test.py PROGRAM."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

from program import Program, read_to_end


def openssl(*arguments, text=b""):
    return subprocess.run(["openssl", *arguments], input=text, capture_output=True, timeout=30, check=False)


class Certificates:
    """Two authorities, and what they sign, in a folder."""

    def __init__(self, folder):
        self.folder = folder
        for authority in ("ca", "other"):
            self.run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self[f"{authority}.key"], "-out",
                     self[f"{authority}.pem"], "-subj", f"/CN={authority}", "-days", "2")
        self.sign("localhost", "ca", "server", "DNS:localhost")
        self.sign("localhost", "ca", "next", "DNS:localhost")
        self.sign("alice", "ca", "alice")
        self.sign("mallory", "other", "mallory")

    def __getitem__(self, name):
        return os.path.join(self.folder, name)

    def run(self, *arguments):
        done = openssl(*arguments)
        assert done.returncode == 0, done.stderr.decode()

    def sign(self, name, authority, files, alternative="email:nobody@example.org"):
        self.run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self[f"{files}.key"], "-out",
                 self[f"{files}.pem"], "-subj", f"/CN={name}", "-days", "2", "-CA", self[f"{authority}.pem"], "-CAkey",
                 self[f"{authority}.key"], "-addext", f"subjectAltName={alternative}", "-addext",
                 "basicConstraints=critical,CA:FALSE")

    def serial(self, files):
        return openssl("x509", "-in", self[f"{files}.pem"], "-noout", "-serial").stdout


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.certificates = Certificates(folder.name)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.chain, self.key = os.path.join(folder.name, "chain.pem"), os.path.join(folder.name, "key.pem")
        self.use("server")
        self.program = Program(PROGRAM, self.chain, self.key, "0", self.certificates["ca.pem"], errors=subprocess.DEVNULL)
        self.addCleanup(self.program.kill)

    def use(self, files):
        shutil.copy(self.certificates[f"{files}.pem"], self.chain)
        shutil.copy(self.certificates[f"{files}.key"], self.key)

    def curl(self, target, *options, authority="ca"):
        return subprocess.run(
            ["curl", "--silent", "--max-time", "20", "--cacert", self.certificates[f"{authority}.pem"], "--resolve",
             f"localhost:{self.program.port}:127.0.0.1", *options, f"https://localhost:{self.program.port}{target}"],
            capture_output=True, text=True, env={**os.environ, "no_proxy": "*"}, timeout=30, check=False)

    def connect(self, *options, text=b"Q\n"):
        return openssl("s_client", "-connect", f"127.0.0.1:{self.program.port}", "-servername", "localhost", "-CAfile",
                       self.certificates["ca.pem"], *options, text=text)

    def served_serial(self):
        return openssl("x509", "-noout", "-serial", text=self.connect().stdout).stdout

    def test_curl_is_answered(self):
        self.assertEqual(self.curl("/").stdout, "hello, over TLSv1.3")
        self.assertEqual(self.curl("/", "--tls-max", "1.2").stdout, "hello, over TLSv1.2")
        self.assertEqual(self.curl("/", "--http2").stdout, "hello, over TLSv1.3")

    def test_curl_keeps_its_connection(self):
        done = self.curl("/", "--write-out", "%{num_connects}", f"https://localhost:{self.program.port}/")
        self.assertEqual(done.stdout, "hello, over TLSv1.31hello, over TLSv1.30")

    def test_another_authority_is_not_trusted(self):
        self.assertEqual(self.curl("/", authority="other").returncode, 60)

    def test_a_clients_certificate_is_known_to_the_handler(self):
        alice = ("--cert", self.certificates["alice.pem"], "--key", self.certificates["alice.key"])
        mallory = ("--cert", self.certificates["mallory.pem"], "--key", self.certificates["mallory.key"])

        self.assertEqual(self.curl("/staff", *alice).stdout, "hello, CN=alice")
        self.assertEqual(self.curl("/staff", "--write-out", "%{http_code}").stdout[-3:], "403")
        self.assertNotEqual(self.curl("/staff", *mallory).returncode, 0)
        self.assertEqual(self.curl("/staff", *mallory).stdout, "")

    def test_s_client_agrees_on_http_1_1_and_on_nothing_else(self):
        self.assertIn(b"ALPN protocol: http/1.1", self.connect("-alpn", "h2,http/1.1").stdout)
        self.assertIn(b"no application protocol", self.connect("-alpn", "h2").stderr)

    def test_s_client_resumes(self):
        kept = os.path.join(os.path.dirname(self.chain), "session")
        request = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        for version in ("-tls1_2", "-tls1_3"):
            first = self.connect(version, "-sess_out", kept, "-ign_eof", text=request)
            self.assertIn(b"New, TLSv1", first.stdout)
            self.assertIn(b"hello, over", first.stdout)
            self.assertIn(b"Reused, TLSv1", self.connect(version, "-sess_in", kept, "-ign_eof", text=request).stdout)

    def test_old_versions_are_refused(self):
        self.assertNotEqual(self.connect("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0").returncode, 0)

    def test_plain_http_is_told_so(self):
        with self.program.connect() as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
            reply = read_to_end(plain)
        self.assertTrue(reply.startswith("HTTP/1.1 400 Bad Request\r\n"))
        self.assertIn("HTTPS port", reply)

    def test_certificates_change_under_traffic_and_no_request_is_lost(self):
        failures, going_on = [], threading.Event()
        going_on.set()

        def ask():
            while going_on.is_set():
                done = self.curl("/")
                if done.stdout != "hello, over TLSv1.3":
                    failures.append(done)

        askers = [threading.Thread(target=ask) for _ in range(2)]
        for asker in askers:
            asker.start()
        self.assertEqual(self.served_serial(), self.certificates.serial("server"))
        for files in ("next", "server", "next"):
            self.use(files)
            self.program.process.send_signal(signal.SIGHUP)
            self.assertEqual(self.program.process.stdout.readline(), "reloaded\n")
            self.assertEqual(self.served_serial(), self.certificates.serial(files))
        going_on.clear()
        for asker in askers:
            asker.join()

        self.assertEqual(failures, [])

    def test_a_broken_file_leaves_all_as_it_was(self):
        with open(self.key, "w", encoding="utf-8") as key:
            key.write("nonsense")
        self.program.process.send_signal(signal.SIGHUP)

        self.assertIn(f"there is no private key in {self.key}", self.program.process.stdout.readline())
        self.assertEqual(self.curl("/").stdout, "hello, over TLSv1.3")

    def test_it_ends_when_told(self):
        with self.program.connect():
            self.assertEqual(self.curl("/").returncode, 0)
            self.assertEqual(self.program.stop(), 0)


class Document(unittest.TestCase):
    def test_its_code_is_cut_from_the_program_and_from_contracts(self):
        def read(path):
            with open(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", path), encoding="utf-8") as text:
                return text.read()

        truth = read("examples/tls/tls.cpp") + read("transport/http1/include/umbel/http1/filter.hpp").replace("///     ", "")
        blocks = re.findall(r"^```cpp\n(.*?)^```$", read("docs/tls.md"), re.M | re.S)
        self.assertGreater(len(blocks), 5)
        for block in blocks:
            self.assertIn("\n" + block, truth)


class WrongFiles(unittest.TestCase):
    def test_a_program_says_what_it_cannot_read_and_ends(self):
        done = subprocess.run([PROGRAM, "/nowhere.pem", "/nowhere.key", "0"], capture_output=True, text=True, timeout=30,
                              check=False)
        self.assertEqual((done.returncode, done.stderr),
                         (1, "umbel: cannot read /nowhere.pem: No such file or directory\n"))


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
