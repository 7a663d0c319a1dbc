// SPDX-License-Identifier: MIT
#pragma once
// The application that the corpus is sent to. Each file of it says what its routes take.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "umbel/di/app.hpp"
#include "umbel/di/body.hpp"
#include "umbel/di/depends.hpp"
#include "umbel/di/form.hpp"
#include "umbel/json/constrained.hpp"
#include "umbel/json/json_writer.hpp"

namespace umbel::test {

template <class Write>
Response json_of(Write write) {
  JsonWriter json;
  write(json);
  return Response::json(std::move(json));
}
inline Response text_answer(std::string_view text) {
  return json_of([&](JsonWriter& json) { json.value(text); });
}

// --- queries

enum class Order { asc, desc };

struct Search {
  Query<"q", std::string, min_length<2>, max_length<8>> q;
  Query<"limit", int, 20, ge<1>, le<100>> limit;
  Query<"price", std::optional<double>, gt<0>> price;
  Query<"sort", std::optional<Order>> sort;
  Query<"tag", std::vector<std::string>, or_empty, max_length<3>> tags;
  Query<"id", std::vector<int>, or_empty> ids;
  Query<"code", std::optional<std::string>, pattern<"^[a-z]{3}$">> code;
  Query<"step", std::optional<int>, multiple_of<5>> step;
  Query<"full", std::optional<bool>> full;
};

inline Response search(Depends<make<Search>> s) {
  return json_of([&](JsonWriter& json) {
    json.begin_object().field("q", *s->q).field("limit", *s->limit);
    if (*s->price) json.field("price", **s->price);
    if (*s->full) json.field("full", **s->full);
    if (*s->step) json.field("step", **s->step);
    json.key("tags").begin_array();
    for (const std::string& tag : *s->tags) json.value(tag);
    json.end_array().key("ids").begin_array();
    for (const int id : *s->ids) json.value(id);
    json.end_array().end_object();
  });
}

// --- paths

inline Response item(Path<"id", int, ge<1>> id) {
  return json_of([&](JsonWriter& json) { json.value(*id); });
}
inline Response name(Path<"name"> name) { return text_answer(*name); }
inline Response file(Path<"rest"> rest) { return text_answer(*rest); }

// --- headers and cookies

struct Me {
  Header<"x-token", std::string, min_length<3>, max_length<3>> token;
  Header<"x-version", int, 1> version;
  Header<"x-list", std::vector<int>, or_empty> list;
  Cookie<"session"> session;
  Cookie<"visits", int, 0, ge<0>> visits;
};

inline Response me(Depends<make<Me>> me) {
  return json_of([&](JsonWriter& json) {
    json.begin_object().field("token", *me->token).field("version", *me->version).field("session", *me->session);
    json.field("visits", *me->visits).key("list").begin_array();
    for (const int number : *me->list) json.value(number);
    json.end_array().end_object();
  });
}

// --- forms

enum class Colour { red, green };

struct Signup {
  Text<min_length<1>, max_length<10>> name;
  Bounded<int, ge<18>> age;
  std::optional<double> height;
  Defaulted<bool> mail = false;
  std::optional<Colour> colour;
  Defaulted<Constrained<std::vector<std::uint8_t>, max_length<3>>> lucky;
};

inline Response sign_up(Form<Signup, FormLimits{.fields = 20, .text_bytes = 200}> form) {
  return json_of([&](JsonWriter& json) {
    json.begin_object().field("name", *form->name).field("age", *form->age).field("mail", *form->mail);
    if (form->height) json.field("height", *form->height);
    if (form->colour) json.field("colour", *form->colour == Colour::red ? "red" : "green");
    json.key("lucky").begin_array();
    for (const int number : **form->lucky) json.value(number);
    json.end_array().end_object();
  });
}

struct Strict {
  std::string a;
};
}  // namespace umbel::test

template <>
struct umbel::ModelTraits<umbel::test::Strict> {
  static constexpr bool forbids_extra = true;
};

namespace umbel::test {

inline Response strict(Form<Strict> form) { return text_answer(form->a); }

struct Upload {
  std::string title;
  Defaulted<int> count = 1;
  UploadedFile file;
  Defaulted<std::vector<UploadedFile>> more;
};

inline Response upload(
    Form<Upload, FormLimits{.fields = 3, .files = 2, .text_bytes = 50, .head_bytes = 200, .file_bytes = 20}> form) {
  return json_of([&](JsonWriter& json) {
    json.begin_object().field("title", form->title).field("count", *form->count).key("file").begin_array();
    json.value(form->file.file_name()).value(form->file.content_type()).value(form->file.memory());
    json.end_array().key("more").begin_array();
    for (const UploadedFile& more : *form->more) json.value(more.file_name());
    json.end_array().end_object();
  });
}

// --- JSON

enum class Priority { low, high };

struct Customer {
  Text<min_length<1>, max_length<20>> name;
  std::optional<std::string> mail;
};
struct Line {
  Text<pattern<"^[A-Z]{2}-[0-9]+$">> sku;
  Bounded<int, ge<1>, le<99>> count;
  Bounded<double, gt<0>> price;
};
struct Purchase {
  Customer customer;
  Constrained<std::vector<Line>, min_length<1>, max_length<3>> items;
  Defaulted<Priority> priority = Priority::low;
  std::optional<std::string> note;
  Defaulted<std::map<std::string, int>> marks;
};
inline std::optional<std::string> validate(const Purchase& purchase) {
  if (purchase.items->size() == 1 && *purchase.items->front().price == 13) return "unlucky";
  return std::nullopt;
}

inline Response order(Body<Purchase> purchase) {
  return text_answer(*purchase->customer.name + ' ' + std::to_string(purchase->items->size()));
}

inline void add_routes(App& app) {
  app.get("/search", on_loop<search>);
  app.get("/items/{id}", on_loop<item>);
  app.get("/names/{name}", on_loop<name>);
  app.get("/typed/{id:int}", on_loop<item>);
  app.get("/files/{rest:path}", on_loop<file>);
  app.get("/me", on_loop<me>);
  app.post("/signup", on_loop<sign_up>);
  app.post("/strict", on_loop<strict>);
  app.post("/upload", on_loop<upload>);
  app.post("/orders", on_loop<order>);
}

}  // namespace umbel::test
