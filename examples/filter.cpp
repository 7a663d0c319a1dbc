// SPDX-License-Identifier: MIT
// An App as a filter: requests are lines of JSON on standard input, the replies are lines on standard output.
//
//     echo '{"target":"/spell?word=ab"}' | filter
//     filter < requests.jsonl > replies.jsonl
//
// What is opened once, a dictionary here, is closed at the end of the input; words go to standard error.

#include <umbel/core/sleep.hpp>
#include <umbel/di/app.hpp>
#include <umbel/di/provide.hpp>
#include <umbel/di/resource.hpp>
#include <umbel/stdio/serve.hpp>

#include <chrono>
#include <cstdio>
#include <set>
#include <sstream>
#include <string>

using namespace umbel;

using Dictionary = std::set<std::string>;

Resource<Dictionary> open_dictionary() {
  Dictionary dictionary{"one", "two", "three"};
  co_yield dictionary;
  std::fputs("the dictionary is closed\n", stderr);
}
inline constexpr auto dictionary = provider<open_dictionary>.lifetime(Lifetime::app);

/// Counts the words that the dictionary knows.
std::string count_words(Body<> text, Depends<dictionary> known) {
  std::istringstream words{std::string{*text}};
  int count = 0;
  for (std::string word; words >> word;) count += known->contains(word) ? 1 : 0;
  return std::to_string(count);
}

/// A letter at a time.
Stream spell(Query<"word"> word) {
  for (const char letter : *word) {
    co_await sleep(std::chrono::milliseconds{1});
    co_yield std::string(1, letter);
  }
}

int main() {
  App app;
  app.post("/words", count_words);
  app.get("/spell", spell);
  return stdio::serve(app);
}
