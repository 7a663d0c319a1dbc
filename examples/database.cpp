// SPDX-License-Identifier: MIT
#include "database.hpp"

#include <sqlite3.h>

#include <stdexcept>
#include <utility>

namespace shop {

namespace {

constexpr const char* first_start = R"sql(
  pragma journal_mode = wal;
  begin immediate;
  create table if not exists items (id integer primary key, name text not null, latin text not null);
  create table if not exists users (id integer primary key, token text not null unique, name text not null,
                                    price_group text not null);
  create table if not exists orders (id integer primary key, user_id integer not null references users,
                                     item_id integer not null references items, quantity integer not null,
                                     cents integer not null);
  insert or ignore into items values
    (1, 'Dill', 'Anethum graveolens'), (2, 'Fennel', 'Foeniculum vulgare'), (3, 'Caraway', 'Carum carvi'),
    (4, 'Coriander', 'Coriandrum sativum'), (5, 'Chervil', 'Anthriscus cerefolium'),
    (6, 'Lovage', 'Levisticum officinale');
  insert or ignore into users values (1, 'ada-token', 'Ada', 'trade'), (2, 'ben-token', 'Ben', 'retail');
  commit;
)sql";

}  // namespace

void Rows::GiveBack::operator()(sqlite3* connection) const noexcept {
  const std::lock_guard lock{database->mutex_};
  database->idle_.push_back(connection);
}

void Rows::Finalize::operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }

Rows::Rows(Connection connection, const char* sql) : connection_(std::move(connection)) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(connection_.get(), sql, -1, &statement, nullptr) != SQLITE_OK) fail();
  statement_.reset(statement);
}

void Rows::bind(int place, std::int64_t value) {
  if (sqlite3_bind_int64(statement_.get(), place, value) != SQLITE_OK) fail();
}

void Rows::bind(int place, std::string_view value) {
  const auto size = static_cast<sqlite3_uint64>(value.size());
  if (sqlite3_bind_text64(statement_.get(), place, value.data(), size, SQLITE_TRANSIENT, SQLITE_UTF8) != SQLITE_OK)
    fail();
}

bool Rows::next() {
  const int status = sqlite3_step(statement_.get());
  if (status != SQLITE_ROW && status != SQLITE_DONE) fail();
  return status == SQLITE_ROW;
}

std::int64_t Rows::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string Rows::text(int column) const {
  const unsigned char* const text = sqlite3_column_text(statement_.get(), column);
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

void Rows::fail() const { throw std::runtime_error{std::string{"SQLite: "} + sqlite3_errmsg(connection_.get())}; }

Database::Database(std::string file) : file_(std::move(file)) {
  const Rows::Connection connection = connect();
  if (sqlite3_exec(connection.get(), first_start, nullptr, nullptr, nullptr) != SQLITE_OK)
    throw std::runtime_error{"SQLite: " + file_ + ": " + sqlite3_errmsg(connection.get())};
}

Database::~Database() {
  for (sqlite3* const connection : idle_) sqlite3_close(connection);
}

Rows::Connection Database::connect() {
  {
    const std::lock_guard lock{mutex_};
    if (!idle_.empty()) {
      Rows::Connection connection{idle_.back(), {this}};
      idle_.pop_back();
      return connection;
    }
    idle_.reserve(idle_.capacity() + 1);  // GiveBack must not fail.
  }
  sqlite3* opened = nullptr;
  const int status = sqlite3_open(file_.c_str(), &opened);
  Rows::Connection connection{opened, {this}};
  if (status != SQLITE_OK) throw std::runtime_error{"SQLite: " + file_ + ": " + sqlite3_errstr(status)};
  sqlite3_busy_timeout(opened, 5000);
  return connection;
}

}  // namespace shop
