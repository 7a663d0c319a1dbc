// SPDX-License-Identifier: MIT
#include "show.hpp"

#include <string>
#include <string_view>

using namespace umbel;

class Database {  // Says what it is asked to do. Used by the loop alone.
public:
  Task<int> connect() {
    tutorial::print("  connect");
    co_return 1;
  }
  Task<void> end(std::string_view how) {
    tutorial::print("  " + std::string{how});
    co_return;
  }
};

struct Session {
  int connection;
  int rows = 0;
};

Resource<Session> open_session(State<Database> db) {
  const int connection = co_await db->connect();
  Session session{connection};
  const Outcome& outcome = co_yield session;  // lives here while the request uses it
  if (outcome.ok()) co_await db->end("commit");
  else co_await db->end("roll back");
}

Task<std::string> add_item(Path<"name"> name, Exclusive<open_session> session) {
  if (*name == "nettle") throw HttpError{409, "We have that already"};
  session->rows += 1;
  co_return "added " + std::string{*name};
}

Resource<int> guess(State<Database> db) {
  int number = 7;
  const Outcome& outcome = co_yield number;
  if (outcome.ok()) co_await db->end("nothing to mend");
  else if (!outcome.cancelled()) throw Replace{HttpError{409, "Somebody else was faster"}};
}

Task<Response> fail(Depends<guess>) { throw HttpError{500, "Deadlock"}; }

SyncResource<std::string> scratch_file() {  // blocks: both halves run on workers
  std::string path = "/tmp/scratch";
  co_yield path;
  tutorial::print("  remove " + path);
}

// As long as the reply is on its way: what is torn down then cannot change it any more.
std::string write_report(Depends<scratch_file, Lifetime::request> file) { return "in " + *file; }

// Given back when the last node that uses it is done, though the handler still runs.
Task<std::string> account_of(Depends<open_session, Lifetime::last_use>) { co_return "account 7"; }
Task<std::string> show_account(Depends<account_of> account) {
  tutorial::print("  the handler runs");
  co_return *account;
}

std::string sign_up(Query<"mail"> mail, ResponseHead& head, Background& background) {
  head.status(202);
  head.set_cookie("seen", "1");
  background.add([](std::string to) { tutorial::print("  mail to " + to); }, std::string{*mail});
  return "We will write to you";
}

int open_catalogue() {
  tutorial::print("  the catalogue is opened");
  return 3;
}
inline constexpr auto catalogue = provider<open_catalogue>.lifetime(Lifetime::app);

std::string count(Depends<catalogue> items) { return std::to_string(*items) + " items"; }

int main() {
  Database db;
  App app;
  app.borrow(db);
  app.get("/add/{name}", add_item);
  app.get("/guess", fail);
  app.get("/report", write_report);
  app.get("/account", show_account);
  app.get("/sign-up", sign_up);
  app.get("/count", count);

  loopback::Client client{app};
  tutorial::show(client, "/add/fennel");
  tutorial::show(client, "/add/nettle");
  tutorial::show(client, "/guess");
  tutorial::show(client, "/report");
  tutorial::show(client, "/account");
  tutorial::show(client, "/sign-up?mail=ada@example.org");
  tutorial::show(client, "/count");
}
