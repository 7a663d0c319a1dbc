// SPDX-License-Identifier: MIT
// An App behind a transport of one's own, mailbox.hpp: two letters, two replies, and an end in order. Exits with 0 if
// all came as it should.

#include <umbel/core/blocking_port.hpp>
#include <umbel/core/work_pool.hpp>
#include <umbel/umbel.hpp>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "mailbox.hpp"

using namespace umbel;
using mailbox::Letter;
using mailbox::Mailbox;
using mailbox::Reply;

std::string greet(Path<"name"> name) { return "Hello " + std::string{*name}; }

int main() {
  App app;
  app.get("/hello/{name}", greet);

  ThreadPool pool;
  BlockingPort port{pool};
  Mailbox box{app, port.context()};
  box.start();

  std::vector<Reply> replies;
  for (const char* const target : {"/hello/Ada", "/nowhere"}) {
    box.deliver(Letter{OwnedRequest{Method::get, target}, [&](Reply reply) { replies.push_back(std::move(reply)); }});
  }
  port.run_until([&] { return replies.size() == 2; });
  for (const Reply& reply : replies) std::printf("%d %s\n", reply.status, reply.body.c_str());

  struct Done : Work {
    Done() noexcept : Work([](Work& work) noexcept { static_cast<Done&>(work).is_done = true; }) {}
    bool is_done = false;
  } done;
  box.drain({}, done);
  port.run_until([&] { return done.is_done; });

  // They come in the order in which they are ready: for 404 nothing has to be run.
  int greetings = 0, refusals = 0;
  for (const Reply& reply : replies) {
    greetings += reply.status == 200 && reply.body == "Hello Ada";
    refusals += reply.status == 404;
  }
  return greetings == 1 && refusals == 1 ? 0 : 1;
}
