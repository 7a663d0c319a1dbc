#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The shop's API, run and asked by curl: shop_api_test.py PROGRAM."""

import json
import os
import re
import shlex
import sys
import tempfile
import unittest

from program import Program

ADA = ("-H", "authorization: Bearer ada-token")
BEN = ("-H", "authorization: Bearer ben-token")
ADMIN = ("-H", "x-admin-key: letmein")
SOURCE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "examples", "shop_api", "main.cpp")


def body(document):
    return ("-H", "content-type: application/json", "--data", json.dumps(document))


class ShopApi(unittest.TestCase):
    """Each test has a shop of its own."""

    def setUp(self):
        self.shop = Program(PROGRAM, "--port", "0")
        self.addCleanup(self.shop.kill)

    def check(self, reply, status):
        self.assertEqual(reply.status, status, reply)
        return json.loads(reply.body) if reply.body else None

    def ask(self, status, target, *options):
        return self.check(self.shop.ask(target, *options), status)

    def types_of(self, *asked):
        return [(error["type"], error["loc"]) for error in self.ask(422, *asked)["detail"]]

    def test_products_are_found_by_category_and_price(self):
        page = self.ask(200, "/products?category=herb")
        self.assertEqual((page["total"], page["products"][0]["name"]), (1, "Dill"))
        cheapest = self.ask(200, "/products?sort=cheapest&limit=2&most_cents=300")
        self.assertEqual([product["name"] for product in cheapest["products"]], ["Carrot", "Dill"])
        self.assertEqual(self.types_of("/products?category=tree&limit=0"),
                         [("greater_than_equal", ["query", "limit"]), ("enum", ["query", "category"])])

    def test_an_administrator_puts_products_on_the_shelf_and_takes_them_off(self):
        wanted = body({"name": "Anise", "category": "spice", "cents": 350})
        self.assertEqual(self.shop.ask("/products", *wanted).status, 401)
        made = self.shop.ask("/products", *ADMIN, *wanted)
        self.assertEqual(self.check(made, 201)["stock"], 0)
        self.assertEqual(self.ask(200, made.headers["location"])["name"], "Anise")
        self.ask(204, made.headers["location"], *ADMIN, "-X", "DELETE")
        self.ask(404, made.headers["location"])

    def test_all_mistakes_in_a_product_are_told_at_once(self):
        wrong = body({"name": "", "category": "tree", "cents": 0})
        self.assertEqual(self.types_of("/products", *ADMIN, *wrong),
                         [("string_too_short", ["body", "name"]), ("enum", ["body", "category"]),
                          ("greater_than_equal", ["body", "cents"])])

    def test_an_order_is_priced_and_kept_for_its_customer(self):
        placed = self.shop.ask("/orders", *ADA, *body({"lines": [{"product_id": 1, "quantity": 2}]}))
        order = self.check(placed, 201)
        self.assertEqual(order["sums"], {"discount": 49, "goods": 498, "shipping": 490, "total": 939})
        self.assertEqual(order["ship_to"]["city"], "Bonn")
        self.assertEqual(self.ask(200, placed.headers["location"], *ADA), order)
        self.assertEqual(self.ask(200, "/orders", *BEN), [])
        self.ask(404, placed.headers["location"], *BEN)
        cancelled = self.ask(200, placed.headers["location"] + "/cancel", *ADA, "-X", "POST")
        self.assertEqual(cancelled["state"], "cancelled")

    def test_of_an_order_that_fails_nothing_is_taken_from_stock(self):
        lines = [{"product_id": 1, "quantity": 5}, {"product_id": 3, "quantity": 8}]
        self.ask(409, "/orders", *ADA, *body({"lines": lines}))
        self.assertEqual(self.ask(200, "/products/1")["stock"], 40)

    def test_a_token_must_be_good_for_what_is_asked(self):
        order = body({"lines": [{"product_id": 1}]})
        self.ask(401, "/orders", *order)
        self.ask(403, "/orders", *BEN, *order)
        self.assertEqual(self.ask(200, "/customers/me", *BEN), {"id": 2, "name": "Ben", "address": None})

    def test_a_payment_is_told_by_its_kind(self):
        def order(payment):
            return body({"lines": [{"product_id": 1}], "payment": payment, "not_before": "2026-12-24"})

        good = self.ask(201, "/orders", *ADA, *order({"kind": "card", "number": "4" * 16}))
        self.assertEqual(good["not_before"], "2026-12-24")
        self.ask(402, "/orders", *ADA, *order({"kind": "card", "number": "4" * 12 + "0000"}))
        self.assertEqual(self.ask(200, "/products/1")["stock"], 39)
        self.assertEqual(self.types_of("/orders", *ADA, *order({"kind": "cash"})),
                         [("union_tag_invalid", ["body", "payment"])])
        self.assertEqual(self.types_of("/orders", *ADA, *order({"kind": "transfer", "iban": "?"})),
                         [("string_pattern_mismatch", ["body", "payment", "transfer", "iban"])])

    def test_a_picture_is_looked_at_and_kept(self):
        png = b"\x89PNG\r\n\x1a\n" + bytes(100)
        with tempfile.NamedTemporaryFile(suffix=".png") as good, tempfile.NamedTemporaryFile() as bad:
            good.write(png)
            good.flush()
            bad.write(b"GIF?")
            bad.flush()
            self.ask(404, "/products/2/picture")
            self.ask(401, "/products/2/picture", "-X", "PUT", "-F", f"picture=@{good.name}")
            self.ask(415, "/products/2/picture", *ADMIN, "-X", "PUT", "-F", f"picture=@{bad.name};type=image/png")
            self.assertEqual(self.types_of("/products/2/picture", *ADMIN, "-X", "PUT", "-F", "caption=tea"),
                             [("missing", ["body", "picture"])])
            self.ask(204, "/products/2/picture", *ADMIN, "-X", "PUT", "-F", f"picture=@{good.name}", "-F", "caption=tea")
        kept = self.shop.ask("/products/2/picture", "--head")
        self.assertEqual((kept.headers["content-type"], kept.headers["content-length"]), ("image/png", str(len(png))))

    def test_a_form_is_checked_as_a_body_is(self):
        self.ask(202, "/newsletter", "--data", "email=ada@example.org&about=tea&about=herb&weekly=on")
        self.assertEqual(self.types_of("/newsletter", "--data", "email=ada&about=tree"),
                         [("string_pattern_mismatch", ["body", "email"]), ("enum", ["body", "about", 0])])

    def test_a_customer_says_where_to(self):
        address = {"street": "Ring 2", "city": "Wien", "postcode": "1010", "country": "AT"}
        self.assertEqual(self.ask(200, "/customers/me/address", *BEN, "-X", "PUT", *body(address))["address"], address)
        address["postcode"] = "W-1"
        self.assertEqual(self.types_of("/customers/me/address", *BEN, "-X", "PUT", *body(address)),
                         [("string_pattern_mismatch", ["body", "postcode"])])

    def test_what_its_head_says_to_try_is_answered(self):
        with open(SOURCE, encoding="utf-8") as source:
            tries = re.findall(r"^// try: curl -s (.*)$", source.read(), re.M)
        self.assertEqual(len(tries), 7)
        for words in tries:
            target, *options = shlex.split(words.replace("localhost:8000", ""))
            if "--json" in options:  # An option of newer curls.
                at = options.index("--json")
                options[at:at + 2] = body(json.loads(options[at + 1]))
            reply = self.shop.ask(target, *options)
            self.assertIn(reply.status, (200, 201, 202, 415, 422), words)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
