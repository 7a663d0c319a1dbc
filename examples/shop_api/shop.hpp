// SPDX-License-Identifier: MIT
#pragma once
// The shop's data, in memory: it stands for a database, and blocks like one. Any thread.

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models.hpp"

namespace shop {

/// Who a token belongs to, and what it may be used for.
struct Account {
  Customer customer;
  std::vector<std::string> scopes;
};

class Shop {
public:
  /// With a few products and two customers.
  Shop();

  ProductPage find(std::optional<Category> category, Cents most, Sorting sorting, std::size_t limit,
                   std::size_t offset) const;
  std::optional<Product> product(Id id) const;
  Product add(const NewProduct& product);
  bool remove(Id id);
  void set_picture(Id id, Picture picture);
  std::optional<Picture> picture(Id id) const;
  /// False if there are too few.
  bool take_from_stock(Id id, int quantity);
  std::map<Id, int> stock() const;
  void set_stock(const std::map<Id, int>& stock);

  std::optional<Account> account_of(std::string_view token) const;
  Customer set_address(Id customer, const Address& address);

  Order keep(Order order);
  std::optional<Order> order(Id id) const;
  std::vector<Order> orders_of(Id customer) const;
  Order set_state(Id id, OrderState state);

private:
  mutable std::mutex mutex_;
  std::map<Id, Product> products_;
  std::map<Id, Picture> pictures_;
  std::map<std::string, Account, std::less<>> accounts_;  // By token.
  std::map<Id, Order> orders_;
  Id last_product_ = 0;
  Id last_order_ = 0;
};

}  // namespace shop
