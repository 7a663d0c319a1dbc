// SPDX-License-Identifier: MIT
// Accounts in a SQLite file. A transfer is one transaction that commits before the reply is sent: who reads 201 may
// rely on it. Whatever goes wrong before that, in whatever node, it is rolled back; the handlers do not know of it.
//
//     resources [--port N] [--db FILE]      port 0: any free one; the file is made and filled if it is not there
//
// try: curl -s localhost:8000/accounts/1
// try: curl -s -X POST 'localhost:8000/transfers?from=1&to=2&cents=30'
// try: curl -s -X POST 'localhost:8000/transfers?from=1&to=2&cents=99999'
// try: curl -s -X POST 'localhost:8000/transfers?from=1&to=99&cents=30'

#include <sqlite3.h>

#include <umbel/di/provide.hpp>
#include <umbel/di/resource.hpp>
#include <umbel/umbel.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace umbel;

// --- SQLite, as far as we need it. It blocks, so only what runs on workers may use it.

class Connection {
public:
  explicit Connection(const std::string& file) {
    sqlite3* opened = nullptr;
    const int status = sqlite3_open(file.c_str(), &opened);
    database_.reset(opened);  // To be closed even if it could not be opened.
    if (status != SQLITE_OK) throw std::runtime_error{file + ": " + sqlite3_errstr(status)};
    sqlite3_busy_timeout(opened, 5000);  // Other programs may use the file, too.
    run("pragma foreign_keys = on");
  }

  /// Gives SQLite's status instead of throwing, for those who have a use for it.
  int try_run(const char* sql) const { return sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr); }
  void run(const char* sql) const {
    if (try_run(sql) != SQLITE_OK) fail();
  }
  /// The first column of the first row, if there is one.
  std::optional<std::int64_t> ask(const char* sql, std::initializer_list<std::int64_t> values) const {
    sqlite3_stmt* prepared = nullptr;
    if (sqlite3_prepare_v2(database_.get(), sql, -1, &prepared, nullptr) != SQLITE_OK) fail();
    const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement{prepared, sqlite3_finalize};
    int place = 0;
    for (const std::int64_t value : values) sqlite3_bind_int64(prepared, ++place, value);
    const int status = sqlite3_step(prepared);
    if (status != SQLITE_ROW && status != SQLITE_DONE) fail();
    return status == SQLITE_ROW ? std::optional{sqlite3_column_int64(prepared, 0)} : std::nullopt;
  }

private:
  [[noreturn]] void fail() const { throw std::runtime_error{sqlite3_errmsg(database_.get())}; }

  std::unique_ptr<sqlite3, int (*)(sqlite3*)> database_{nullptr, sqlite3_close};
};

// --- once for the program: the file and its tables. If this fails, the server does not start, and says why.

struct Database {
  std::string file;
};

constexpr const char* tables = R"sql(
  pragma journal_mode = wal;
  create table if not exists accounts (id integer primary key, cents integer not null check (cents >= 0));
  create table if not exists transfers (id integer primary key, cents integer not null,
    from_id integer not null references accounts deferrable initially deferred,  -- Deferred: checked by the commit.
    to_id integer not null references accounts deferrable initially deferred);
  insert or ignore into accounts values (1, 1000), (2, 0);
)sql";

SyncResource<Database> open_database(State<std::string, "file"> file) {
  const Connection connection{*file};
  connection.run(tables);
  Database database{*file};
  co_yield database;  // Until the last request is done.
  connection.run("pragma optimize");
}
inline constexpr auto database = provider<open_database>.lifetime(Lifetime::app);

// --- for each request that asks for one: a connection. There are four at most: a fifth request waits for one, and no
// --- thread waits with it.

SyncResource<Connection> open_connection(Depends<database> shared) {
  Connection connection{shared->file};
  co_yield connection;  // Closed by its destructor, when nobody in the request uses it any more.
}
inline constexpr auto connection = provider<open_connection>.capacity(4);

// --- and a transaction around what a handler does. SQLite has one writer at a time, hence the capacity: who comes
// --- second waits outside, and not on a worker inside SQLite.

struct Transaction {
  const Connection& connection;
};

SyncResource<Transaction> begin_transaction(Depends<connection> db) {
  db->run("begin immediate");
  Transaction transaction{*db};
  const Outcome& outcome = co_yield transaction;  // Here the handler runs.

  if (!outcome.ok()) {  // Something threw, or nobody waits for the answer any more.
    db->run("rollback");
    co_return;
  }
  const int status = db->try_run("commit");
  if (status == SQLITE_OK) co_return;
  // The handler has returned its 201, but nobody has seen it yet: the client gets this in its place.
  db->run("rollback");
  if (status == SQLITE_CONSTRAINT) throw Replace{HttpError{409, "There is no such account"}};
  throw std::runtime_error{sqlite3_errstr(status)};  // A full disk, for instance: 500.
}
inline constexpr auto transaction = provider<begin_transaction>.capacity(1);

// --- the handlers, which only say what they need

Response read_account(Path<"id", std::int64_t> id, Depends<connection> db) {
  const std::optional<std::int64_t> cents = db->ask("select cents from accounts where id = ?", {*id});
  if (!cents) throw HttpError{404, "There is no such account"};
  JsonWriter json;
  json.begin_object().field("id", *id).field("cents", *cents).end_object();
  return Response::json(std::move(json));
}

using From = Query<"from", std::int64_t>;
using To = Query<"to", std::int64_t>;
using Cents = Query<"cents", std::int64_t, ge<1>>;

Response transfer(From from, To to, Cents cents, Depends<transaction> begun) {
  const Connection& db = begun->connection;
  db.ask("update accounts set cents = cents + ? where id = ?", {*cents, *to});
  if (db.ask("select cents from accounts where id = ?", {*from}) < *cents)
    throw HttpError{422, "There is not enough in the account"};  // And the other one gives back what it just got.
  db.ask("update accounts set cents = cents - ? where id = ?", {*cents, *from});
  const auto id =
      db.ask("insert into transfers (from_id, to_id, cents) values (?, ?, ?) returning id", {*from, *to, *cents});
  JsonWriter json;
  json.begin_object().field("id", *id).end_object();
  return Response::json(std::move(json), 201);
}

// --- the program

int main(int argc, char** argv) {
  int port = 8000;
  std::string file = "accounts.db";
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!std::strcmp(argv[i], "--port")) port = std::atoi(argv[i + 1]);
    if (!std::strcmp(argv[i], "--db")) file = argv[i + 1];
  }

  App app;
  app.state<"file">(file);
  app.get("/accounts/{id}", read_account);
  app.post("/transfers", transfer);

  return http1::serve(app, {.port = port, .on_listening = [](int bound) {
                              std::printf("listening on http://127.0.0.1:%d\n", bound);
                              std::fflush(stdout);
                            }});
}
