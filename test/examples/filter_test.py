#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An App as a filter, between pipes and files: filter_test.py PROGRAM."""

import json
import signal
import subprocess
import sys
import tempfile
import unittest


def lines(*requests):
    return "".join(json.dumps(request) + "\n" for request in requests)


def run(text, **options):
    return subprocess.run([PROGRAM], input=text, capture_output=True, text=True, timeout=20, check=False, **options)


def replies(text):
    return [json.loads(line) for line in text.splitlines()]


class Filter(unittest.TestCase):
    def start(self):
        program = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, bufsize=1)
        self.addCleanup(program.communicate)
        self.addCleanup(program.kill)
        return program

    def test_each_line_is_answered_and_the_end_of_the_input_ends_it(self):
        done = run(lines({"id": "a", "method": "POST", "target": "/words", "body": "one more two"},
                         {"id": "b", "target": "/nowhere"},
                         {"id": "c", "method": "DELETE", "target": "/words"}))

        self.assertEqual((done.returncode, done.stderr), (0, "the dictionary is closed\n"))
        found = {reply["id"]: reply for reply in replies(done.stdout)}
        self.assertEqual({name: reply["status"] for name, reply in found.items()}, {"a": 200, "b": 404, "c": 405})
        self.assertEqual(found["a"]["body"], "2")
        self.assertIn("POST", found["c"]["headers"]["allow"])

    def test_a_stream_comes_in_pieces(self):
        parts = replies(run(lines({"target": "/spell?word=abc"})).stdout)

        self.assertEqual([part["chunk"] for part in parts[1:-1]], ["a", "b", "c"])
        self.assertTrue(parts[0]["stream"])
        self.assertEqual(parts[-1], {"end": "complete"})

    def test_broken_lines_are_answered_too(self):
        done = run('no request\n\n{"target":"/words","metod":"POST"}\n{"target":"/spell"}')

        self.assertEqual([reply["status"] for reply in replies(done.stdout)], [400, 400, 422])
        self.assertIn("line 1", done.stdout)
        self.assertEqual(done.returncode, 0)

    def test_files_do_as_well_as_pipes(self):
        count = 2000
        with tempfile.TemporaryFile("w+") as source, tempfile.TemporaryFile("w+") as target:
            source.write(lines(*({"id": i, "method": "POST", "target": "/words", "body": "two"} for i in range(count))))
            source.seek(0)
            subprocess.run([PROGRAM], stdin=source, stdout=target, stderr=subprocess.DEVNULL, timeout=30, check=True)
            target.seek(0)
            found = replies(target.read())
        self.assertEqual(sorted(reply["id"] for reply in found), list(range(count)))
        self.assertEqual({reply["body"] for reply in found}, {"1"})

    def test_a_conversation_goes_line_by_line(self):
        program = self.start()
        for word in ("one", "four"):
            program.stdin.write(lines({"target": "/words", "method": "POST", "body": word}))
            self.assertEqual(json.loads(program.stdout.readline())["body"], str(int(word == "one")))

    def test_a_signal_ends_it_in_order(self):
        program = self.start()
        program.stdin.write(lines({"target": "/spell?word=a"}))
        program.stdout.readline()
        program.send_signal(signal.SIGTERM)

        self.assertEqual(program.wait(timeout=20), 0)
        self.assertEqual(program.stderr.read(), "the dictionary is closed\n")
        self.assertEqual(replies(program.stdout.read())[-1], {"end": "complete"})

    def test_it_ends_when_nobody_reads_its_output(self):
        program = self.start()
        program.stdout.close()

        self.assertEqual(program.wait(timeout=20), 1)
        said = program.stderr.read()
        self.assertIn("the dictionary is closed\n", said)
        self.assertIn("Broken pipe", said)
        program.stdout = None


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
