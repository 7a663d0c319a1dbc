// SPDX-License-Identifier: MIT
#pragma once
// SQLite for the quickstart: statements in, rows out. Its calls block, so only plain functions use it.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace shop {

class Database;

/// What a statement gives, row by row. It runs as far as rows are asked for, and has a connection to itself meanwhile.
class Rows {
public:
  /// Steps to the first row, then to the one after it. False: there is none, and the statement is done.
  bool next();
  /// Of the present row; columns count from 0.
  std::int64_t integer(int column) const;
  std::string text(int column) const;

private:
  friend class Database;
  struct GiveBack {
    Database* database;
    void operator()(sqlite3* connection) const noexcept;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  using Connection = std::unique_ptr<sqlite3, GiveBack>;

  Rows(Connection connection, const char* sql);
  void bind(int place, std::int64_t value);
  void bind(int place, std::string_view value);
  [[noreturn]] void fail() const;

  Connection connection_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;  // After the connection, so that it goes first.
};

/// The shop's file, made and filled if it is not there. Any thread; connections are kept for the next statement.
///
///     Rows rows = database.query("select name from items where id = ?", id);
///
/// Throws std::runtime_error when SQLite fails; a request that meets it is answered 500.
class Database {
public:
  explicit Database(std::string file);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  template <class... Values>
  Rows query(const char* sql, const Values&... values) {
    Rows rows{connect(), sql};
    int place = 0;
    (rows.bind(++place, values), ...);
    return rows;
  }

private:
  friend struct Rows::GiveBack;
  Rows::Connection connect();

  const std::string file_;
  std::mutex mutex_;
  std::vector<sqlite3*> idle_;
};

}  // namespace shop
