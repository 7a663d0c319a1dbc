// SPDX-License-Identifier: MIT
#pragma once
// An App with one of everything that a document can tell. Its handlers have names whatever is exported.

#include <umbel/core/file.hpp>
#include <umbel/core/redirect.hpp>
#include <umbel/di/body_stream.hpp>
#include <umbel/di/form.hpp>
#include <umbel/di/openapi.hpp>
#include <umbel/di/scopes.hpp>
#include <umbel/di/security.hpp>
#include <umbel/di/try.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "umbel/core/event_stream.hpp"
#include "umbel/core/stream.hpp"

namespace rich {

using namespace umbel;

enum class Colour { red, dark_blue };

namespace v1 {
struct Tag {
  std::string text;
};
}  // namespace v1
namespace v2 {
struct Tag {
  int number;
};
}  // namespace v2

struct Size {
  double width;
  double height;
};

struct Item {
  std::int64_t id;
  Text<min_length<1>, max_length<80>> name;
  Bounded<double, gt<0>, multiple_of<0.25>> price;
  Bounded<std::uint16_t, le<100>> count;
  std::uint8_t level;
  Colour colour;
  bool is_new;
  float weight;
  std::optional<Size> size;
  std::optional<Text<pattern<"^[A-Z]{3}$">>> code;
  Constrained<std::vector<std::string>, min_length<1>, max_length<8>> labels;
  std::array<int, 3> place;
  std::map<std::string, double> prices;
  std::vector<Item> parts;
  Defaulted<Size> box = Size{1, 2.5};
  Defaulted<std::string> currency = "EUR";
  Defaulted<Colour> background = Colour::dark_blue;
  v1::Tag old_tag;
  v2::Tag tag;
};

struct Card {
  Tag<"card"> kind;
  Text<pattern<"^[0-9]{16}$">> number;
};
struct Transfer {
  Tag<"transfer"> kind;
  std::string iban;
  std::optional<std::chrono::year_month_day> not_before;
};
struct Part;
struct Split {
  Tag<"split"> kind;
  std::vector<Part> parts;
};
using Payment = std::variant<Card, Transfer, Split>;
struct Part {
  Payment payment;
};

struct Checkout {
  Payment payment;
  std::optional<Payment> otherwise;
  std::map<std::string, std::vector<Size>> boxes;
  std::chrono::sys_days wanted;
  std::chrono::sys_time<std::chrono::milliseconds> made;
  Defaulted<std::chrono::year_month_day> latest = std::chrono::year_month_day{std::chrono::sys_days{}};
};

struct Signup {
  Text<min_length<1>> name;
  std::optional<Colour> colour;
  Defaulted<bool> wants_mail = false;
  Defaulted<std::vector<int>> numbers;
};
struct Upload {
  Text<max_length<80>> title;
  UploadedFile picture;
  std::optional<UploadedFile> back;
  Defaulted<std::vector<UploadedFile>> more;
};
struct Größe {
  Defaulted<std::string> maß = "Fuß, \"/~\"";
};

struct Csv {
  static constexpr std::string_view content_type = "text/csv";
  Response respond(const Request& /*request*/) const { return Response::bytes(content_type, ""); }
};

template <class T>
struct Page {
  std::vector<T> items;
  std::optional<std::string> next;
};

struct ValidationError {
  std::string reason;
};

struct Filter {
  Query<"colour", std::optional<Colour>> colour;
  Query<"tag", std::vector<std::string>, or_empty, max_length<5>> tags;
  Query<"limit", int, 20, ge<1>, le<100>, description<"How many at *once*.">> limit;
};

inline std::string user_of(Scopes /*scopes*/, Depends<bearer> token) { return std::string{token->token}; }
inline void check_key(Depends<api_key_header<"x-key">> /*key*/, Header<"x-trace", std::optional<std::string>> /*id*/) {}

inline Page<Item> list_items(Depends<make<Filter>> /*filter*/) { return {}; }
inline std::optional<Item> read_item(Path<"item_id", std::int64_t, ge<1>> /*id*/) { return {}; }
inline Created<Item> create_item(Body<Item> item, Depends<user_of, scopes<"items:write">> /*user*/) { return *item; }
inline void delete_item(Path<"item_id", std::int64_t> /*id*/, Depends<user_of> /*user*/) {}
inline Accepted<> move_item(Body<Item, "item"> /*item*/, Body<Size, "size"> /*size*/, Body<std::optional<int>, "by">) {
  return {};
}
inline std::string greet(Cookie<"name", std::string_view, default_to<"you">> name, Try<basic> /*login*/) {
  return std::string{*name};
}
inline ValidationError wrong(Depends<optional_bearer> /*token*/) { return {}; }
inline Response upload(Body<> /*bytes*/) { return Response{202}; }
inline Page<unsigned long> pay(Body<Checkout> /*checkout*/, Depends<api_key_query<"k/e y">> /*key*/) { return {}; }
inline Page<std::string> pay_at_once(Body<std::optional<Payment>> /*payment*/) { return {}; }
inline NoContent sign_up(Form<Signup> /*form*/) { return {}; }
inline Signup add_picture(Form<Upload> /*form*/) { return {}; }
inline Status<203, Größe> size_of(Query<"maß", std::string_view, default_to<"Fuß\t\\">> /*unit*/) { return Größe{}; }
inline Redirect elsewhere() { return Redirect{"/items"}; }
inline File download() { return File{"/nowhere"}; }
inline Csv table() { return {}; }
inline Stream bytes() { co_return; }
inline EventStream events() { co_return; }
inline Task<> take_pieces(BodyStream& /*body*/) { co_return; }

/// Routers, prefixes, tags, guards, options.
class RichApp : public App {
public:
  RichApp() {
    Router<"/items"> items;
    items.tag<"items">();
    items.get("", on_loop<list_items>);
    items.get("/{item_id:int}", on_loop<read_item>, {.summary = "One item", .description = "By its *number*."});
    items.post("", on_loop<create_item>);
    items.post("/move", on_loop<move_item>, {.operation_id = "move"});
    items.delete_("/{item_id:int}", on_loop<delete_item>, {.deprecated = true});
    guard<on_loop<check_key>>();
    include("/v1", items, {.tags = tags<"v1">});
    get("/greeting", on_loop<greet>);
    get("/wrong", on_loop<wrong>);
    put("/files/{path:path}", on_loop<upload>);
    post("/checkout", on_loop<pay>).post("/checkout/now", on_loop<pay_at_once>);
    post("/signup", on_loop<sign_up>).post("/pictures", on_loop<add_picture>);
    get("/größe", on_loop<size_of>).get("/elsewhere", on_loop<elsewhere>).get("/download", on_loop<download>);
    get("/table", on_loop<table>);
    get("/bytes", bytes, {.summary = "Bytes", .operation_id = "bytes"});
    get("/events", events, {.summary = "Events", .operation_id = "events"});
    put("/pieces", take_pieces, {.summary = "Pieces", .operation_id = "pieces"});
    get("/hidden", [] {}, {.include_in_schema = false});
  }

  static constexpr OpenApiServer servers[] = {{"https://api.example.org", "The one that there is"}};
  static constexpr OpenApiOptions options{.title = "Rich",
                                          .version = "1.2.3",
                                          .summary = "Everything once",
                                          .description = "One of *everything*.",
                                          .license = "MIT",
                                          .servers = servers};
};

}  // namespace rich
