// SPDX-License-Identifier: MIT
// What a request costs grows with its size, and no faster: each is sent with n bytes and with 4n, and the second may
// take eight times the time and the memory of the first. What is quadratic takes sixteen times.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <functional>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "../support/allocations.hpp"
#include "umbel/core/body_source.hpp"
#include "umbel/di/app.hpp"
#include "umbel/di/body.hpp"
#include "umbel/di/depends.hpp"
#include "umbel/di/form.hpp"
#include "umbel/json/constrained.hpp"
#include "umbel/json/tag.hpp"
#include "umbel/loopback/client.hpp"

namespace umbel::test {
namespace {

// --- what is asked

struct Found {
  Query<"q", std::optional<std::string>> q;
  Query<"t", std::vector<std::string>, or_empty> texts;
  Query<"n", std::vector<int>, or_empty> numbers;
  Query<"p", std::optional<std::string>, pattern<"^(a|a)*(a|b)*$">> p;
};
void find(Depends<make<Found>>) {}

void know(Cookie<"id", std::optional<std::string>>, Cookie<"n", int, 0>, Header<"x-n", std::vector<int>, or_empty>) {}

struct Fields {
  std::optional<std::string> q;
  Defaulted<std::vector<std::string>> t;
  Defaulted<std::vector<int>> n;
  std::optional<Text<pattern<"^(a|a)*(a|b)*$">>> p;
  Defaulted<std::vector<UploadedFile>> files;
};
struct StrictFields {
  std::optional<std::string> q;
};

constexpr std::size_t many = 64 << 20;
constexpr FormLimits no_limits{.fields = many, .files = many, .text_bytes = many, .head_bytes = many};

struct Tree {
  std::optional<std::string> s;
  std::optional<double> d;
  Defaulted<std::vector<int>> l;
  Defaulted<std::map<std::string, int>> m;
  Defaulted<std::vector<Tree>> t;
};
struct Leaf {
  Tag<"leaf"> kind;
  Defaulted<std::vector<int>> l;
};
struct Stone {
  Tag<"stone"> kind;
};
struct Things {
  std::vector<std::variant<Leaf, Stone>> of;
};

void take_rest(Path<"rest">) {}

}  // namespace
}  // namespace umbel::test

template <>
struct umbel::ModelTraits<umbel::test::StrictFields> {
  static constexpr bool forbids_extra = true;
};

namespace umbel::test {
namespace {

void add_routes(App& app) {
  app.get("/find", find);
  app.get("/know", know);
  app.post("/form", [](Form<Fields, no_limits>) {});
  app.post("/strict", [](Form<StrictFields, no_limits>) {});
  app.post("/limits", [](Form<Fields>) {});
  app.post("/tree", [](Body<Tree>) {});
  app.post("/things", [](Body<Things>) {});
  app.get("/rest/{rest:path}", take_rest);
  // Whoever comes back from one way tries the next, and none leads to an end.
  app.get("/{a:int}/1/{b:int}/1/{c:int}/{d}/1", [](Path<"a", int>) {});
  app.get("/{a:int}/{b}/{c:int}/{d}/{e}/{f}/2", [](Path<"a", int>) {});
  app.get("/{a}/{b:int}/{c}/{d:int}/{e}/{f}/3", [](Path<"a">) {});
  app.get("/1/{b}/1/{d}/1/{f}/4", [](Path<"b">) {});
}

// --- of which size

/// A text of about `size` bytes.
using Sized = std::function<std::string(std::size_t size)>;

Sized repeated(std::string begin, std::string unit, std::string end = {}) {
  return [=](std::size_t size) {
    std::string text = begin;
    text.reserve(size + begin.size() + unit.size() + end.size());
    while (text.size() < size) text += unit;
    return text + end;
  };
}
/// The number of the unit is in the place of each `#`.
Sized numbered(std::string begin, std::string unit, std::string end = {}) {
  return [=](std::size_t size) {
    std::string text = begin;
    for (std::size_t number = 100'000'000; text.size() < size; ++number) {
      for (const char c : unit) c == '#' ? text += std::to_string(number) : text += c;
    }
    return text + end;
  };
}

/// One in another, without anything in the middle.
std::string deep(const std::string& begin, const std::string& end, int depth) {
  std::string text;
  for (int i = 0; i < depth; ++i) text += begin;
  for (int i = 0; i < depth; ++i) text += end;
  return text;
}

// --- the cases

constexpr const char* urlencoded = "application/x-www-form-urlencoded";
constexpr const char* multipart = "multipart/form-data; boundary=boundary";
constexpr const char* json = "application/json";
const std::string field_head = "--boundary\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\n";
const std::string text_head = "--boundary\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\n";
const std::string file_head = "--boundary\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a\"\r\n\r\n";
const std::string last = "\r\n--boundary--\r\n";

struct Case {
  const char* name;
  int status;
  std::string target;  // Of a GET without `type`, `sized` follows it.
  std::string type;    // Of a POST. Or `cookie`: `sized` is one. Or another field's name, that it is the values of.
  Sized sized;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"QueryOfOthers", 204, "/find?", "", repeated("", "a=1&")},
      {"QueryOfEmptyPairs", 204, "/find?", "", repeated("", "&")},
      {"QueryOfEquals", 204, "/find?", "", repeated("", "=")},
      {"QueryOfOneValue", 204, "/find?", "", repeated("q=", "x")},
      {"QueryOfOneName", 204, "/find?", "", repeated("", "q")},
      {"QueryOfManyValues", 204, "/find?", "", repeated("", "t=x&")},
      {"QueryOfEscapes", 204, "/find?", "", repeated("q=", "%41")},
      {"QueryOfPluses", 204, "/find?", "", repeated("q=", "+")},
      {"QueryOfEscapedNames", 204, "/find?", "", repeated("", "%74=x&")},
      {"QueryOfNoEscapes", 422, "/find?", "", repeated("q=", "%", "&t=%")},
      {"QueryOfManyNoEscapes", 422, "/find?", "", repeated("", "t=%&")},
      {"QueryOfManyMistakes", 422, "/find?", "", repeated("", "n=x&")},
      {"QueryForAPattern", 422, "/find?", "", repeated("p=", "a", "c")},
      {"CookiesOfOthers", 204, "/know", "cookie", repeated("", "a=1; ")},
      {"CookiesOfTheName", 204, "/know", "cookie", repeated("", "id; ")},
      {"CookiesOfSpaces", 204, "/know", "cookie", repeated("a", " ", "=1")},
      {"CookiesOfSemicolons", 204, "/know", "cookie", repeated("", ";")},
      {"CookieOfQuotes", 204, "/know", "cookie", repeated("id=", "\"")},
      {"CookieOfDigits", 422, "/know", "cookie", repeated("n=", "1")},
      {"HeadersOfMany", 204, "/know", "x-n", repeated("", "1")},
      {"HeadersOfMistakes", 422, "/know", "x-n", repeated("", "z")},
      {"PathOfSegments", 404, "/", "", repeated("1", "/1")},
      {"PathOfSlashes", 404, "/", "", repeated("", "/")},
      {"PathOfOneSegment", 404, "/1/1/1/", "", repeated("", "1", "/1/1/5")},
      {"PathOfDigits", 404, "/1/", "", repeated("1", "1", "/1/1/1/1/5")},
      {"PathOfEscapes", 204, "/rest/", "", repeated("", "%41")},
      {"PathOfEscapedSegments", 404, "/", "", repeated("1", "/%31")},
      {"FormOfOthers", 204, "/form", urlencoded, repeated("", "a=1&")},
      {"FormOfEmptyPairs", 204, "/form", urlencoded, repeated("", "&")},
      {"FormOfEquals", 204, "/form", urlencoded, repeated("", "=")},
      {"FormOfOneValue", 204, "/form", urlencoded, repeated("q=", "x")},
      {"FormOfOneName", 204, "/form", urlencoded, repeated("", "q")},
      {"FormOfManyValues", 204, "/form", urlencoded, repeated("", "t=x&")},
      {"FormOfOneField", 204, "/form", urlencoded, repeated("", "q=x&")},
      {"FormOfEscapes", 204, "/form", urlencoded, repeated("q=", "%41")},
      {"FormOfNoEscapes", 422, "/form", urlencoded, repeated("", "t=%&")},
      {"FormOfManyMistakes", 422, "/form", urlencoded, repeated("", "n=x&")},
      {"FormForAPattern", 422, "/form", urlencoded, repeated("p=", "a", "c")},
      {"FormOfForbiddenFields", 422, "/strict", urlencoded, numbered("", "#=1&")},
      {"FormOfAForbiddenName", 422, "/strict", urlencoded, repeated("", "x")},
      {"FormOfTooManyFields", 400, "/limits", urlencoded, repeated("", "a=1&")},
      {"PartsOfOthers", 204, "/form", multipart,
       repeated("", "--boundary\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n", "--boundary--")},
      {"PartsOfText", 204, "/form", multipart, repeated("", text_head + "x\r\n", last)},
      {"PartsOfFiles", 204, "/form", multipart, repeated("", file_head + "x\r\n", last)},
      {"PartOfAlmostDelimiters", 204, "/form", multipart, repeated(field_head, "\r\n--boundar", last)},
      {"FileOfAlmostDelimiters", 204, "/form", multipart, repeated(file_head, "\r\n--boundar", last)},
      {"PartOfReturns", 204, "/form", multipart, repeated(field_head, "\r", last)},
      {"PartOfLines", 204, "/form", multipart, repeated(field_head, "\r\n", last)},
      {"PartOfDashes", 204, "/form", multipart, repeated(field_head, "\r\n-", last)},
      {"PartBehindAlmostDelimiters", 204, "/form", multipart, repeated("", "\r\n--boundar", last)},
      {"PartBeforeAlmostDelimiters", 204, "/form", multipart, repeated(last, "\r\n--boundar")},
      {"PartOfManyHeaders", 204, "/form", multipart,
       repeated("--boundary\r\nContent-Disposition: form-data; name=q\r\n", "x: y\r\n", "\r\n1" + last)},
      {"PartOfManyTypes", 204, "/form", multipart,
       repeated("--boundary\r\nContent-Disposition: form-data; name=q\r\n", "content-type: y\r\n", "\r\n1" + last)},
      {"PartOfAHeader", 204, "/form", multipart,
       repeated("--boundary\r\nContent-Disposition: form-data; name=q\r\nx: ", " ", "\r\n\r\n1" + last)},
      {"PartOfManyParameters", 204, "/form", multipart,
       repeated("--boundary\r\nContent-Disposition: form-data; name=q", "; a=1", "\r\n\r\n1" + last)},
      {"PartOfSemicolons", 204, "/form", multipart,
       repeated("--boundary\r\nContent-Disposition: form-data; name=q", "; ", "\r\n\r\n1" + last)},
      {"PartOfAFileName", 204, "/form", multipart,
       repeated("--boundary\r\nContent-Disposition: form-data; name=files; filename=\"", "\\\"", "\"\r\n\r\n1" + last)},
      {"PartOfNoDelimiter", 400, "/form", multipart, repeated("--boundary", " ")},
      {"JsonOfUnknownKeys", 204, "/tree", json, numbered("{", "\"k#\":1,", "\"z\":1}")},
      {"JsonOfOneUnknownKey", 204, "/tree", json, repeated("{", "\"k\":1,", "\"z\":1}")},
      {"JsonOfOneKey", 422, "/tree", json, repeated("{", "\"s\":\"\",", "\"z\":1}")},
      {"JsonOfEscapedKeys", 422, "/tree", json, repeated("{", "\"\\u0073\":\"\",", "\"z\":1}")},
      {"JsonOfAMap", 204, "/tree", json, numbered("{\"m\":{", "\"#\":1,", "\"\":1}}")},
      {"JsonOfAMapOfOneKey", 422, "/tree", json, repeated("{\"m\":{", "\"a\":1,", "\"a\":1}}")},
      {"JsonOfMistakes", 422, "/tree", json, repeated("{\"l\":[", "\"x\",", "1]}")},
      {"JsonOfLongMistakes", 422, "/tree", json, repeated("{\"l\":[", "[\"" + std::string(300, 'x') + "\"],", "1]}")},
      {"JsonOfModels", 204, "/tree", json, repeated("{\"t\":[", "{\"s\":\"x\"},", "{}]}")},
      {"JsonOfWrongModels", 422, "/tree", json, repeated("{\"t\":[", "{\"s\":1},", "{}]}")},
      {"JsonOfDeepModels", 204, "/tree", json, repeated("{\"t\":[", deep("{\"t\":[", "]}", 25) + ",", "{}]}")},
      {"JsonOfDeepMistakes", 422, "/tree", json,
       repeated("{\"t\":[", deep("{\"s\":1,\"t\":[", "]}", 25) + ",", "{}]}")},
      {"JsonOfTooDeepLists", 422, "/tree", json, repeated("{\"l\":", "[")},
      {"JsonOfTooDeepObjects", 422, "/tree", json, repeated("", "{\"t\":")},
      {"JsonOfManyUnknownLists", 204, "/tree", json, repeated("{\"z\":[", deep("[", "]", 50) + ",", "1]}")},
      {"JsonOfAText", 204, "/tree", json, repeated("{\"s\":\"", "x", "\"}")},
      {"JsonOfEscapes", 204, "/tree", json, repeated("{\"s\":\"", "\\n\\u00e9", "\"}")},
      {"JsonOfBackslashes", 422, "/tree", json, repeated("{\"s\":\"", "\\", "x\"")},
      {"JsonOfSpaces", 204, "/tree", json, repeated("{", " ", "\"s\":\"\"}")},
      {"JsonOfSpacesBetween", 422, "/tree", json, repeated("{\"l\":[", "\"x\"                 ,", "1]}")},
      {"JsonOfDigits", 422, "/tree", json, repeated("{\"d\":1", "1", "}")},
      {"JsonOfDigitsBehindThePoint", 204, "/tree", json, repeated("{\"d\":0.", "1", "}")},
      {"JsonOfADigitsText", 422, "/tree", json, repeated("{\"l\":[\"", "1", "\"]}")},
      {"JsonThatIsMalformedAtItsEnd", 422, "/tree", json, repeated("{\"l\":[", "1,", "]}")},
      {"JsonThatDoesNotEnd", 422, "/tree", json, repeated("{\"l\":[", "1,")},
      {"JsonWithMuchBehindIt", 422, "/tree", json, repeated("{}", "{}")},
      {"JsonOfVariants", 204, "/things", json,
       repeated("{\"of\":[", "{\"l\":[1],\"kind\":\"leaf\"},", "{\"kind\":\"stone\"}]}")},
      {"JsonOfALongVariant", 204, "/things", json, repeated("{\"of\":[{\"l\":[1", ",1", "],\"kind\":\"leaf\"}]}")},
      {"JsonOfWrongVariants", 422, "/things", json,
       repeated("{\"of\":[", "{\"l\":[1],\"kind\":\"x\"},", "{\"kind\":\"stone\"}]}")},
  };
  return all;
}

// --- what it costs

/// All of a body, in pieces of that size.
class Cut final : public BodySource {
public:
  Cut(std::string_view body, std::size_t size) : rest_(body), size_(size) {}

  BodySourcePtr give() { return BodySourcePtr{this}; }

  Pulled pull(Context&, std::string_view& chunk, Work&) noexcept override {
    chunk = rest_.substr(0, size_);
    rest_.remove_prefix(chunk.size());
    return chunk.empty() ? Pulled::end : Pulled::chunk;
  }
  void drop() noexcept override {}

private:
  std::string_view rest_;
  std::size_t size_;
};

OwnedRequest request_of(const Case& test, const std::string& text) {
  if (test.type.empty()) return OwnedRequest{Method::get, test.target + text};
  if (test.type == "cookie") return std::move(OwnedRequest{Method::get, test.target}.header("cookie", text));
  if (test.type.find('/') != test.type.npos)
    return std::move(OwnedRequest{Method::post, test.target}.header("content-type", test.type));
  OwnedRequest request{Method::get, test.target};
  for (const char& value : text) request.header(test.type, {&value, 1});
  return request;
}

struct Costs {
  double seconds = 0;     // Of the processor.
  std::size_t bytes = 0;  // That were taken from the heap, all in all.
};

struct Sending {
  const Case* test;
  std::size_t piece;

  friend std::ostream& operator<<(std::ostream& out, const Sending& sent) {
    return out << sent.test->name << " in pieces of " << sent.piece;
  }
};

bool has_body(const Case& test) { return test.type.find('/') != test.type.npos; }

/// Each whole, and each body in small pieces, too.
std::vector<Sending> sendings() {
  constexpr std::size_t whole = 1 << 20, small = 7;
  std::vector<Sending> all;
  for (const Case& test : cases()) {
    all.push_back({&test, whole});
    if (has_body(test)) all.push_back({&test, small});
  }
  return all;
}

class Cost : public ::testing::TestWithParam<Sending> {
protected:
  static constexpr std::size_t size = 32 * 1024;
  static constexpr double tick = 0.001;  // Seconds; less is not told from nothing.

  Cost() {
    add_routes(app);
    client.emplace(app, loopback::Client::Options{.body_limit = 16 << 20});
  }

  Costs ask(std::size_t bytes) {
    const std::string text = test.sized(bytes);
    OwnedRequest request = request_of(test, text);
    Cut body{text, GetParam().piece};
    const std::clock_t before = std::clock();
    const std::size_t taken = allocated_bytes();
    loopback::Incoming reply =
        client->run(has_body(test) ? client->open(std::move(request), body.give()) : client->open(std::move(request)));
    EXPECT_EQ(reply.status(), test.status);
    while (!client->run(reply.read()).empty()) {
    }
    return {static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC, allocated_bytes() - taken};
  }

  const Case& test = *GetParam().test;
  App app;
  std::optional<loopback::Client> client;
};

TEST_P(Cost, GrowsNoFasterThanTheRequest) {
  ask(size);  // What is there from now on is not counted.

  EXPECT_LE(ask(4 * size).bytes, 8 * (ask(size).bytes + size));
  double once = 1e9, four_times = 1e9;  // The best of some, since others use the machine, too.
  for (int times = 0; times < 20 && (times == 0 || four_times > 8 * once + tick); ++times) {
    once = std::min(once, ask(size).seconds);
    four_times = std::min(four_times, ask(4 * size).seconds);
  }
  EXPECT_LE(four_times, 8 * once + tick);
}

INSTANTIATE_TEST_SUITE_P(Of, Cost, ::testing::ValuesIn(sendings()), [](const ::testing::TestParamInfo<Sending>& sent) {
  return std::string{sent.param.test->name} + (sent.param.piece < 100 ? "InSmallPieces" : "");
});

}  // namespace
}  // namespace umbel::test
