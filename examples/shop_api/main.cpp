// SPDX-License-Identifier: MIT
// The API of a small shop: products with pictures, customers, orders. Parameters, bodies, forms and replies are typed,
// so checks, JSON and the API's document follow from the signatures below and are written nowhere else.
//
//     ./dev run shop           or shop_api [--port N], port 0: any free one
//
// http://localhost:8000/docs tries every request; the tokens are at its top. http://localhost:8000/graph shows what
// each route is made of; of POST /orders, what runs at the same time, who waits for whom, and, once there were some
// orders, what takes how long.
//
// try: curl -s 'localhost:8000/products?category=herb&limit=2'
// try: curl -s localhost:8000/customers/me -H 'authorization: Bearer ada-token'
// try: curl -s localhost:8000/orders --json '{"lines": [{"product_id": 1}]}' -H 'authorization: Bearer ada-token'
// try: curl -s localhost:8000/products --json '{"name": "", "category": "tree"}' -H 'x-admin-key: letmein'
// try: curl -s localhost:8000/newsletter --data 'email=ada@example.org&about=tea&about=herb'
// try: curl -s localhost:8000/products/1/picture -X PUT -F picture=@/etc/hostname -H 'x-admin-key: letmein'
// try: curl -s localhost:8000/openapi.json

#include <umbel/di/health.hpp>
#include <umbel/di/openapi.hpp>
#include <umbel/di/scopes.hpp>
#include <umbel/di/security.hpp>
#include <umbel/di/statistics.hpp>
#include <umbel/umbel.hpp>

#ifdef SHOP_HAS_PAGES
#include <umbel/pages/pages.hpp>
#endif

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "models.hpp"
#include "shop.hpp"

using namespace umbel;
using namespace shop;
using namespace std::chrono_literals;

// --- who asks

/// The customer of a token, if it is good for the scopes that the way here asks for.
Customer current_customer(Depends<bearer> token, Scopes scopes, State<Shop> shop) {
  const std::optional<Account> account = shop->account_of(token->token);
  if (!account) throw HttpError{401, "Invalid token"}.header("www-authenticate", "Bearer");
  for (const std::string_view scope : scopes.names()) {
    const bool is_granted = std::count(account->scopes.begin(), account->scopes.end(), scope) > 0;
    if (!is_granted) throw HttpError{403, "The token is not good for " + scopes.text()};
  }
  return account->customer;
}

inline constexpr auto require_admin = [](Depends<api_key_header<"x-admin-key">> key) {
  if (!constant_time_equal(*key, "letmein")) throw HttpError{403, "Not an administrator's key"};
};

// --- products

struct Paging {
  Query<"limit", std::size_t, 20, ge<1>, le<100>, description<"How many at once.">> limit;
  Query<"offset", std::size_t, 0> offset;
};

ProductPage list_products(Query<"category", std::optional<Category>> category, Query<"most_cents", Cents, 100'000> most,
                          Query<"sort", Sorting, Sorting::name> sorting, Depends<make<Paging>> page, State<Shop> shop) {
  return shop->find(*category, *most, *sorting, *page->limit, *page->offset);
}

Product find_product(Path<"product_id", Id> id, State<Shop> shop) {
  std::optional<Product> product = shop->product(*id);
  if (!product) throw HttpError{404, "There is no such product"};
  return *std::move(product);
}

Product read_product(Depends<find_product> product) { return *product; }

Created<Product> create_product(Body<NewProduct> product, State<Shop> shop) {
  Product made = shop->add(*product);
  const std::string location = "/products/" + std::to_string(made.id);
  return Created<Product>{std::move(made)}.header("location", location);
}

void delete_product(Depends<find_product> product, State<Shop> shop) { shop->remove(product->id); }

using PictureForm = Form<NewPicture, FormLimits{.file_bytes = 1 << 20}>;

/// By its first bytes: the type that a client tells is only what it tells.
std::string type_of_image(PictureForm form) {
  char first[8] = {};
  const std::string_view bytes{first, form->picture.read_now(0, first)};
  if (bytes == "\x89PNG\r\n\x1a\n") return "image/png";
  if (bytes.starts_with("\xff\xd8\xff")) return "image/jpeg";
  throw HttpError{415, "A picture is PNG or JPEG"};
}
inline constexpr auto image_type = provider<type_of_image>.lane("images");

void set_picture(Depends<find_product> product, PictureForm form, Depends<image_type> type, State<Shop> shop) {
  Picture picture{*type, std::string(form->picture.size(), '\0')};
  for (std::uint64_t at = 0; at < picture.bytes.size();)
    at += form->picture.read_now(at, std::span{picture.bytes}.subspan(at));
  shop->set_picture(product->id, std::move(picture));
}

Picture read_picture(Depends<find_product> product, State<Shop> shop) {
  std::optional<Picture> picture = shop->picture(product->id);
  if (!picture) throw HttpError{404, "There is no picture of it"};
  return *std::move(picture);
}

// --- customers

Customer read_customer(Depends<current_customer> customer) { return *customer; }

Customer set_address(Depends<current_customer> customer, Body<Address> address, State<Shop> shop) {
  return shop->set_address(customer->id, *address);
}

/// Sent by somebody else, some time.
Accepted<> subscribe(Form<Subscription> /*form*/) { return {}; }

// --- orders. Whether the token is good is seen before a byte of the body is read; then where to, what it costs
// to bring it there, what is in stock, and whether the bank says yes, at the same time.

/// What was done, in order. Opened when the program starts.
class Journal {
public:
  void note(std::string line) {
    const std::lock_guard lock{mutex_};
    lines_.push_back(std::move(line));
    if (lines_.size() > 100) lines_.pop_front();
  }

private:
  std::mutex mutex_;
  std::deque<std::string> lines_;
};

Resource<std::shared_ptr<Journal>> open_journal() {
  auto journal = std::make_shared<Journal>();
  co_yield journal;
}
inline constexpr auto journal = provider<open_journal>.lifetime(Lifetime::app);

/// What was taken from stock while the request failed is put back.
struct Reservation {
  Shop& shop;
};

SyncResource<Reservation> reserve(State<Shop> shop) {
  const std::map<Id, int> before = shop->stock();
  Reservation reservation{*shop};
  const Outcome& outcome = co_yield reservation;
  if (!outcome.ok()) shop->set_stock(before);
}
inline constexpr auto reservation = provider<reserve>.capacity(1);  // One order after the other.

using Buyer = Guard<current_customer, scopes<"orders:write">>;

Address destination(Body<NewOrder> order, Buyer customer) {
  if (order->ship_to) return *order->ship_to;
  if (!customer->address) throw HttpError{409, "Where to? Neither the order nor the customer has an address"};
  return *customer->address;
}

/// Would ask a carrier.
Task<Cents> shipping_cost(Depends<on_loop<destination>> address) {
  co_await sleep(2ms);
  co_return *address->country == Country::DE ? 490 : 1290;
}

/// Would ask the bank, and wait for it: at most four times at once.
void authorize(Body<NewOrder> order, Buyer) {
  if (std::holds_alternative<Invoice>(*order->payment)) return;
  std::this_thread::sleep_for(3ms);
  const Card* const card = std::get_if<Card>(&*order->payment);
  if (card && card->number->ends_with("0000")) throw HttpError{402, "The bank says no"};
}
inline constexpr auto authorized = provider<authorize>.lane("bank");

std::vector<Line> take_lines(Body<NewOrder> order, Depends<reservation> reserved) {
  std::vector<Line> lines;
  for (const NewLine& line : *order->lines) {
    const std::optional<Product> product = reserved->shop.product(line.product_id);
    if (!product) throw HttpError{404, "There is no product " + std::to_string(*line.product_id)};
    if (!reserved->shop.take_from_stock(product->id, **line.quantity))
      throw HttpError{409, "There is not enough of " + product->name};
    lines.push_back({product->id, product->name, **line.quantity, product->cents * **line.quantity});
  }
  return lines;
}

/// Every tenth of what a customer buys for the first time is free.
Cents discount(Buyer customer, Depends<take_lines> lines, State<Shop> shop) {
  Cents goods = 0;
  for (const Line& line : *lines) goods += line.cents;
  return shop->orders_of(customer->id).empty() ? goods / 10 : 0;
}

Created<Order> place_order(Body<NewOrder> order, Buyer customer, Depends<on_loop<destination>> address,
                           Depends<shipping_cost> shipping, Depends<take_lines> lines, Depends<discount> discount,
                           Depends<authorized>, Depends<journal> log, State<Shop> shop) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  Order placed{0, customer->id, OrderState::placed, *lines, {}, *address, now, order->not_before, std::nullopt};
  if (order->note) placed.note = **order->note;
  for (const Line& line : *lines) placed.sums["goods"] += line.cents;
  placed.sums["shipping"] = *shipping;
  placed.sums["discount"] = *discount;
  placed.sums["total"] = placed.sums["goods"] + *shipping - *discount;
  placed = shop->keep(std::move(placed));
  const std::string location = "/orders/" + std::to_string(placed.id);
  (*log)->note("placed " + location);
  return Created<Order>{std::move(placed)}.header("location", location);
}

using Reader = Guard<current_customer, scopes<"orders:read">>;

std::vector<Order> list_orders(Reader customer, State<Shop> shop) { return shop->orders_of(customer->id); }

Order find_order(Path<"order_id", Id> id, Reader customer, State<Shop> shop) {
  std::optional<Order> order = shop->order(*id);
  if (!order || order->customer_id != customer->id) throw HttpError{404, "There is no such order"};
  return *std::move(order);
}

Order read_order(Depends<find_order> order) { return *order; }

Order cancel_order(Depends<find_order> order, Buyer, Depends<journal> log, State<Shop> shop) {
  if (order->state != OrderState::placed) throw HttpError{409, "It is too late to cancel this order"};
  (*log)->note("cancelled /orders/" + std::to_string(order->id));
  return shop->set_state(order->id, OrderState::cancelled);
}

// --- the program

void add_routes(App& app) {
  Router<"/products"> products;
  products.tag<"products">();
  products.get("", list_products);
  products.get("/{product_id}", on_loop<read_product>);
  products.get("/{product_id}/picture", read_picture);

  Router<"/products"> shelf;  // For administrators.
  shelf.tag<"products">().guard<on_loop<require_admin>>();
  shelf.post("", create_product, {.description = "Puts a product on the shelf."});
  shelf.put("/{product_id}/picture", set_picture, {.description = "PNG or JPEG, up to 1 MiB."});
  shelf.delete_("/{product_id}", delete_product);

  Router<"/customers/me"> customers;
  customers.tag<"customers">();
  customers.get("", on_loop<read_customer>);
  customers.put("/address", set_address);

  Router<"/orders"> orders;
  orders.tag<"orders">();
  orders.get("", list_orders);
  orders.post("", place_order, {.description = "Takes what is ordered from stock, or nothing of it."});
  orders.get("/{order_id}", on_loop<read_order>);
  orders.post("/{order_id}/cancel", cancel_order);

  app.lane("bank", {.limit = 4}).lane("images", {.limit = 2});
  app.include(products).include(shelf).include(customers).include(orders);
  app.post("/newsletter", on_loop<subscribe>, {.tags = tags<"customers">});
  app.get("/livez", livez, {.include_in_schema = false});
  app.get("/readyz", readyz, {.include_in_schema = false});
}

int main(int argc, char** argv) {
  int port = 8000;
  if (argc == 3 && !std::strcmp(argv[1], "--port")) port = std::atoi(argv[2]);
  try {
    Shop shop;
    Statistics statistics;
    App app;
    app.borrow(shop).observe(statistics);
    add_routes(app);
    openapi_route(app, {.title = "Herb shop",
                        .version = "1.0.0",
                        .summary = "What grows in umbels, by mail",
                        .description = "Tokens to try: `ada-token`, `ben-token`. The administrator's key is `letmein`.",
                        .license = "MIT"});
#ifdef SHOP_HAS_PAGES
    add_pages(app, {.title = "Herb shop", .statistics = &statistics});
#endif
    return http1::serve(app, {.port = port, .on_listening = [](int bound) {
                                std::printf("listening on http://127.0.0.1:%d\n", bound);
                                std::fflush(stdout);
                              }});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "shop_api: %s\n", error.what());
    return 1;
  }
}
