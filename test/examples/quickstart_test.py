#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The quickstart, run and asked by curl: quickstart_test.py PROGRAM."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import unittest

from program import Program, curl, output_of, read_reply, read_to_end

ADA = ("-H", "x-token: ada-token")
BEN = ("-H", "x-token: ben-token")
ORDER = '{"item_id": 2, "quantity": 3}'


class Quickstart(unittest.TestCase):
    """Each test has a shop of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = os.path.join(folder.name, "shop.db")
        self.log = open(os.path.join(folder.name, "log"), "a+", encoding="utf-8")
        self.addCleanup(self.log.close)
        self.start()

    def start(self):
        self.shop = Program(PROGRAM, "--port", "0", "--db", self.file, errors=self.log)
        self.addCleanup(self.shop.kill)
        self.addCleanup(self.show_log)

    def read_log(self):
        self.log.seek(0)
        return self.log.read()

    def show_log(self):
        sys.stderr.write(self.read_log())  # What a sanitizer has found, for instance.

    def check(self, reply, status, **document):
        self.assertEqual(reply.status, status, reply)
        self.assertEqual(reply.headers["content-type"], "application/json")
        self.assertEqual(json.loads(reply.body), document)

    def check_item(self, reply, cents):
        self.check(reply, 200, id=2, name="Fennel", latin="Foeniculum vulgare", cents=cents)

    def test_an_item_joins_the_file_and_the_price_service(self):
        self.check_item(self.shop.ask("/items/2", *BEN), 249)
        self.check_item(self.shop.ask("/items/2", *ADA), 199)  # Another customer, another price.

    def test_a_list_has_a_limit(self):
        self.assertEqual(len(json.loads(self.shop.ask("/items").body)), 6)
        reply = self.shop.ask("/items?limit=1")
        self.assertEqual(reply.body, '[{"id":1,"name":"Dill"}]')

    def test_an_order_is_kept_for_its_customer(self):
        placed = self.shop.ask("/orders", *BEN, "--json", ORDER)
        self.check(placed, 201, id=1, cents=3 * 249)
        self.assertEqual(placed.headers["location"], "/orders/1")

        self.check(self.shop.ask("/orders/1", *BEN), 200, id=1, item_id=2, quantity=3, cents=747)
        self.check(self.shop.ask("/orders/1", *ADA), 404, detail="No such order")

    def test_the_file_outlives_the_program(self):
        self.shop.ask("/orders", *BEN, "--json", ORDER)
        self.assertEqual(self.shop.stop(), 0)

        self.start()
        self.assertEqual(self.shop.ask("/orders/1", *BEN).status, 200)

    def test_who_is_nobody_gets_401(self):
        for who in (), ("-H", "x-token: guessed"):
            reply = self.shop.ask("/items/2", *who)
            self.check(reply, 401, detail="Not authenticated")
            self.assertEqual(reply.headers["www-authenticate"], "Token")

    def test_what_is_not_there_is_404(self):
        self.check(self.shop.ask("/nowhere"), 404, detail="Not Found")
        order = '{"item_id": 99, "quantity": 1}'
        self.check(self.shop.ask("/orders", *BEN, "--json", order), 404, detail="No such item")

    def test_of_two_failures_the_first_declared_answers(self):
        for _ in range(20):  # The price service's refusal is here sooner or later than the file's.
            self.check(self.shop.ask("/items/99", *ADA), 404, detail="No such item")

    def test_another_method_gets_405_and_is_told_which(self):
        reply = self.shop.ask("/items/2", "-X", "DELETE")
        self.check(reply, 405, detail="Method Not Allowed")
        self.assertEqual(reply.headers["allow"], "GET, HEAD, OPTIONS")
        self.assertEqual(self.shop.ask("/orders", "-X", "OPTIONS").headers["allow"], "POST, OPTIONS")

    def test_what_cannot_be_understood_is_422_with_its_place(self):
        reply = self.shop.ask("/items?limit=many")
        [error] = json.loads(reply.body)["detail"]
        self.assertEqual(reply.status, 422)
        self.assertEqual((error["type"], error["loc"], error["input"]), ("int_parsing", ["query", "limit"], "many"))
        self.assertEqual(self.shop.ask("/items/two", *ADA).status, 422)

    def test_a_body_that_is_no_order_is_422(self):
        for body, kind, place in (
            ('{"item_id": 2}', "missing", ["body", "quantity"]),
            ('{"item_id": 2, "quantity": 0}', "greater_than_equal", ["body", "quantity"]),
            ('{"item_id', "json_invalid", ["body", 9]),
        ):
            reply = self.shop.ask("/orders", *BEN, "--json", body)
            [error] = json.loads(reply.body)["detail"]
            self.assertEqual((reply.status, error["type"], error["loc"]), (422, kind, place))

    def test_a_body_that_is_too_large_is_413(self):
        large = ("--json", "x" * 20_000)
        self.assertEqual(self.shop.ask("/orders", *BEN, *large).status, 413)
        self.assertEqual(self.shop.ask("/orders", *BEN, *large, "-H", "transfer-encoding: chunked").status, 413)
        self.assertEqual(self.shop.ask("/orders", *BEN, *large, "-H", "expect: 100-continue").status, 413)

    def test_a_broken_file_is_500_that_only_the_log_explains(self):
        with sqlite3.connect(self.file) as file:
            file.execute("drop table items")
        file.close()

        self.check(self.shop.ask("/items/2", *ADA), 500, detail="Internal Server Error")
        self.assertIn("GET /items/{item_id}: find_item: SQLite: no such table: items\n", self.read_log())
        self.assertEqual(self.shop.ask("/orders/1", *ADA).status, 404)  # The others go on.

    def test_head_is_get_without_the_body(self):
        get, head = self.shop.ask("/items"), self.shop.ask("/items", "--head")
        self.assertEqual((head.status, head.body), (200, ""))
        self.assertEqual(head.headers["content-length"], get.headers["content-length"])

    def test_a_connection_is_kept(self):
        url = self.shop.url("/items/2")
        answer = output_of(curl(*ADA, "--write-out", "\n%{num_connects}\n", url, url))
        self.assertEqual(answer.split("\n")[1::2], ["1", "0"])

    def test_a_malformed_request_gets_400_and_its_connection_is_closed(self):
        with self.shop.connect() as other, self.shop.connect() as broken:
            other.sendall(b"GET /items?limit=0 HTTP/1.1\r\n")
            broken.sendall(b"GET /items HTTP/1.1\r\nHost : shop\r\n\r\n")
            reply = read_reply(read_to_end(broken))
            other.sendall(b"Host: shop\r\nConnection: close\r\n\r\n")
            undisturbed = read_reply(read_to_end(other))

        self.assertEqual((reply.status, reply.headers["connection"]), (400, "close"))
        self.assertEqual((undisturbed.status, undisturbed.body), (200, "[]"))

    def test_twenty_customers_at_once(self):
        running = [curl(*(ADA, BEN)[i % 2], "--include", self.shop.url("/items/2")) for i in range(20)]
        orders = [curl(*BEN, "--include", "--json", ORDER, self.shop.url("/orders")) for _ in range(20)]
        for i, process in enumerate(running):
            self.check_item(read_reply(output_of(process)), (199, 249)[i % 2])
        ids = {json.loads(read_reply(output_of(process)).body)["id"] for process in orders}
        self.assertEqual(ids, set(range(1, 21)))

    def test_the_graph_shows_what_runs_where(self):
        graph = self.shop.ask("/graph").body
        self.assertIn("GET /items/{item_id}", graph)
        self.assertIn("quote  [coroutine]  <- current_user", graph)
        self.assertIn("read_item  [on_loop]  <- find_item, quote", graph)

    def test_the_document_follows_from_the_types(self):
        document = json.loads(self.shop.ask("/openapi.json").body)
        self.assertEqual(document["openapi"][:4], "3.1.")
        order = document["components"]["schemas"]["NewOrder"]
        self.assertEqual(order["required"], ["item_id", "quantity"])
        self.assertEqual(order["properties"]["quantity"]["maximum"], 1000)

    def test_sigterm_finishes_what_is_in_flight(self):
        with self.shop.connect() as customer:
            head = f"POST /orders HTTP/1.1\r\nHost: shop\r\nx-token: ben-token\r\nContent-Type: application/json\r\nContent-Length: {len(ORDER)}\r\n"
            customer.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
            self.assertIn(b"100 Continue", customer.recv(1024))  # So the request is in flight.
            self.shop.terminate()
            self.wait_until_refused()
            customer.sendall(ORDER.encode())
            reply = read_reply(read_to_end(customer))

        self.assertEqual((reply.status, reply.headers["connection"]), (201, "close"))
        self.assertEqual(self.shop.wait(), 0)

    def wait_until_refused(self):
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.shop.port), timeout=20).close()
            except (ConnectionRefusedError, ConnectionResetError):
                return

    def test_a_port_that_is_taken_is_an_error(self):
        command = [PROGRAM, "--port", str(self.shop.port), "--db", self.file]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual((ended.returncode, ended.stdout), (1, ""))
        self.assertIn("address already in use", ended.stderr.lower())


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
