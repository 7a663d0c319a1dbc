// SPDX-License-Identifier: MIT
#pragma once
// What goes over the wire: plain structs. Their members, types, bounds and defaults are all that there is to say.

#include <umbel/core/request.hpp>
#include <umbel/core/response.hpp>
#include <umbel/di/uploaded_file.hpp>
#include <umbel/json/constrained.hpp>
#include <umbel/json/defaulted.hpp>
#include <umbel/json/tag.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace shop {

using umbel::Bounded, umbel::Constrained, umbel::Defaulted, umbel::Tag, umbel::Text;
using umbel::ge, umbel::le, umbel::max_length, umbel::min_length, umbel::pattern;

using Id = std::int64_t;
using Cents = std::int64_t;

enum class Category { herb, spice, tea, seed };
enum class Country { DE, AT, CH };
enum class OrderState { placed, packed, shipped, cancelled };
enum class Sorting { name, cheapest, dearest };

// --- products

struct NewProduct {
  Text<min_length<1>, max_length<80>> name;
  Category category;
  Bounded<Cents, ge<1>, le<100'000>> cents;
  Defaulted<Bounded<int, ge<0>>> stock = 0;
  std::optional<Text<max_length<80>>> latin = {};
  Defaulted<Constrained<std::vector<std::string>, max_length<8>>> tags = {};
};

struct Product {
  Id id;
  std::string name;
  Category category;
  Cents cents;
  int stock;
  std::optional<std::string> latin;
  std::vector<std::string> tags;
};

struct ProductPage {
  std::uint64_t total;
  std::vector<Product> products;
};

/// A form, multipart since it has a file.
struct NewPicture {
  umbel::UploadedFile picture;
  std::optional<Text<max_length<200>>> caption;
};

/// A reply of a type of our own.
struct Picture {
  static constexpr std::string_view content_type = "image/*";

  umbel::Response respond(const umbel::Request& /*request*/) const { return umbel::Response::bytes(type, bytes); }

  std::string type;
  std::string bytes;
};

// --- customers

/// A form, urlencoded.
struct Subscription {
  Text<pattern<"^[^@ ]+@[^@ ]+$">> email;
  Defaulted<bool> weekly = false;
  Defaulted<std::vector<Category>> about;
};

struct Address {
  Text<min_length<1>, max_length<80>> street;
  Text<min_length<1>, max_length<80>> city;
  Text<pattern<"^[0-9]{4,5}$">> postcode;
  Defaulted<Country> country = Country::DE;
};

struct Customer {
  Id id;
  std::string name;
  std::optional<Address> address;
};

// --- orders

struct NewLine {
  Bounded<Id, ge<1>> product_id;
  Defaulted<Bounded<int, ge<1>, le<100>>> quantity = 1;
};

struct Invoice {
  Tag<"invoice"> kind;
};
struct Card {
  Tag<"card"> kind;
  Text<pattern<"^[0-9]{16}$">> number;
};
struct Transfer {
  Tag<"transfer"> kind;
  Text<pattern<"^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$">> iban;
};
struct Voucher {
  Tag<"voucher"> kind;
  Constrained<std::vector<Text<min_length<8>, max_length<8>>>, min_length<1>> codes;
};

struct NewOrder {
  Constrained<std::vector<NewLine>, min_length<1>, max_length<20>> lines;
  Defaulted<std::variant<Invoice, Card, Transfer, Voucher>> payment;
  std::optional<std::chrono::year_month_day> not_before;
  std::optional<Address> ship_to;
  std::optional<Text<max_length<200>>> note;
};

struct Line {
  Id product_id;
  std::string name;
  int quantity;
  Cents cents;
};

struct Order {
  Id id;
  Id customer_id;
  OrderState state;
  std::vector<Line> lines;
  std::map<std::string, Cents> sums;  // "goods", "shipping", "discount", "total"
  Address ship_to;
  std::chrono::sys_seconds placed_at;
  std::optional<std::chrono::year_month_day> not_before;
  std::optional<std::string> note;
};

}  // namespace shop
