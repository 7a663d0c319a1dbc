// SPDX-License-Identifier: MIT
#include "shop.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace shop {

Shop::Shop() {
  add({.name = "Dill", .category = Category::herb, .cents = 249, .stock = 40, .latin = "Anethum graveolens"});
  add({.name = "Fennel tea", .category = Category::tea, .cents = 399, .stock = 12});
  add({.name = "Caraway", .category = Category::spice, .cents = 299, .stock = 7, .latin = "Carum carvi"});
  add({.name = "Carrot", .category = Category::seed, .cents = 199, .stock = 100, .latin = "Daucus carota"});
  const Address garden{"Gartenweg 1", "Bonn", "53111"};
  accounts_["ada-token"] = {{1, "Ada", garden}, {"orders:read", "orders:write"}};
  accounts_["ben-token"] = {{2, "Ben", std::nullopt}, {"orders:read"}};
}

ProductPage Shop::find(std::optional<Category> category, Cents most, Sorting sorting, std::size_t limit,
                       std::size_t offset) const {
  const std::lock_guard lock{mutex_};
  std::vector<Product> found;
  for (const auto& [id, product] : products_) {
    if (product.cents <= most && (!category || product.category == *category)) found.push_back(product);
  }
  std::sort(found.begin(), found.end(), [&](const Product& a, const Product& b) {
    if (sorting == Sorting::name || a.cents == b.cents) return std::tie(a.name, a.id) < std::tie(b.name, b.id);
    return sorting == Sorting::cheapest ? a.cents < b.cents : a.cents > b.cents;
  });
  ProductPage page{found.size(), {}};
  const auto first = found.begin() + static_cast<std::ptrdiff_t>(std::min(offset, found.size()));
  const auto last = first + std::min(static_cast<std::ptrdiff_t>(limit), found.end() - first);
  page.products.assign(first, last);
  return page;
}

std::optional<Product> Shop::product(Id id) const {
  const std::lock_guard lock{mutex_};
  const auto found = products_.find(id);
  return found == products_.end() ? std::nullopt : std::optional{found->second};
}

Product Shop::add(const NewProduct& product) {
  const std::lock_guard lock{mutex_};
  const Id id = ++last_product_;
  std::optional<std::string> latin;
  if (product.latin) latin = **product.latin;
  return products_[id] = {id, *product.name, product.category, *product.cents, **product.stock, latin, **product.tags};
}

bool Shop::remove(Id id) {
  const std::lock_guard lock{mutex_};
  return products_.erase(id) > 0;
}

void Shop::set_picture(Id id, Picture picture) {
  const std::lock_guard lock{mutex_};
  pictures_[id] = std::move(picture);
}

std::optional<Picture> Shop::picture(Id id) const {
  const std::lock_guard lock{mutex_};
  const auto found = pictures_.find(id);
  return found == pictures_.end() ? std::nullopt : std::optional{found->second};
}

bool Shop::take_from_stock(Id id, int quantity) {
  const std::lock_guard lock{mutex_};
  Product& product = products_.at(id);
  if (product.stock < quantity) return false;
  product.stock -= quantity;
  return true;
}

std::map<Id, int> Shop::stock() const {
  const std::lock_guard lock{mutex_};
  std::map<Id, int> stock;
  for (const auto& [id, product] : products_) stock[id] = product.stock;
  return stock;
}

void Shop::set_stock(const std::map<Id, int>& stock) {
  const std::lock_guard lock{mutex_};
  for (const auto& [id, count] : stock) {
    if (const auto found = products_.find(id); found != products_.end()) found->second.stock = count;
  }
}

std::optional<Account> Shop::account_of(std::string_view token) const {
  const std::lock_guard lock{mutex_};
  const auto found = accounts_.find(token);
  return found == accounts_.end() ? std::nullopt : std::optional{found->second};
}

Customer Shop::set_address(Id customer, const Address& address) {
  const std::lock_guard lock{mutex_};
  const auto is_theirs = [&](const auto& entry) { return entry.second.customer.id == customer; };
  Customer& found = std::find_if(accounts_.begin(), accounts_.end(), is_theirs)->second.customer;
  found.address = address;
  return found;
}

Order Shop::keep(Order order) {
  const std::lock_guard lock{mutex_};
  order.id = ++last_order_;
  return orders_[order.id] = std::move(order);
}

std::optional<Order> Shop::order(Id id) const {
  const std::lock_guard lock{mutex_};
  const auto found = orders_.find(id);
  return found == orders_.end() ? std::nullopt : std::optional{found->second};
}

std::vector<Order> Shop::orders_of(Id customer) const {
  const std::lock_guard lock{mutex_};
  std::vector<Order> found;
  for (const auto& [id, order] : orders_) {
    if (order.customer_id == customer) found.push_back(order);
  }
  return found;
}

Order Shop::set_state(Id id, OrderState state) {
  const std::lock_guard lock{mutex_};
  Order& order = orders_.at(id);
  order.state = state;
  return order;
}

}  // namespace shop
