// SPDX-License-Identifier: MIT
#include "umbel/di/form.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../support/drive.hpp"
#include "../support/pieces.hpp"
#include "umbel/di/app.hpp"
#include "umbel/di/depends.hpp"
#include "umbel/loopback/client.hpp"

namespace umbel::test {

struct Mail {
  std::string from;
};

}  // namespace umbel::test

template <>
struct umbel::ModelTraits<umbel::test::Mail> {
  using Members = MemberList<Member<"from-whom", &umbel::test::Mail::from>>;
  static constexpr bool forbids_extra = true;
};

namespace umbel::test {
namespace {

enum class Colour { red, green };

struct Signup {
  std::string name;
  int age;
  std::optional<double> height;
  Defaulted<bool> wants_mail = false;
  std::optional<Colour> colour;
  Defaulted<std::vector<std::uint8_t>> numbers;
};

std::string text_of(const Signup& s) {
  std::string text = s.name + '|' + std::to_string(s.age) + '|' + (s.height ? std::to_string(*s.height) : "-") + '|' +
                     (*s.wants_mail ? "yes" : "no") + '|' +
                     (s.colour ? (*s.colour == Colour::red ? "red" : "green") : "-") + '|';
  for (const int number : *s.numbers) text += std::to_string(number) + ',';
  return text;
}

std::string sign_up(Form<Signup> form) { return text_of(*form); }

/// An App that is asked with bodies, whole and in pieces.
class Forms : public ::testing::Test {
protected:
  loopback::Reply send(std::string type, std::string body, std::string target = "/", std::size_t size = 0) {
    if (!client_) client_.emplace(app, loopback::Client::Options{.body_limit = 64 << 20});
    OwnedRequest request{Method::post, std::move(target)};
    if (!type.empty()) request.header("content-type", type);
    if (size == 0) return client_->send(std::move(request).body(std::move(body)));
    Pieces pieces;
    for (std::size_t at = 0; at < body.size(); at += size) pieces.add(body.substr(at, size));
    pieces.end();
    loopback::Incoming incoming = client_->run(client_->open(std::move(request), pieces.give()));
    std::string text;
    for (;;) {
      const std::string piece = client_->run(incoming.read());
      if (piece.empty()) break;
      text += piece;
    }
    Response response{incoming.status()};
    response.body(Buffer{text});
    return loopback::Reply{std::move(response)};
  }
  std::string answer(std::string type, std::string body, std::string target = "/") {
    return send(std::move(type), std::move(body), std::move(target)).body();
  }
  std::string urlencoded(std::string body, std::string target = "/") {
    return answer("application/x-www-form-urlencoded", std::move(body), std::move(target));
  }
  std::string multipart(std::string body, std::string target = "/") {
    return answer("multipart/form-data; boundary=b", std::move(body), std::move(target));
  }
  void TearDown() override { client_.reset(); }

  App app;

private:
  std::optional<loopback::Client> client_;
};

std::string part(std::string_view name, std::string_view value) {
  return "--b\r\nContent-Disposition: form-data; name=\"" + std::string{name} + "\"\r\n\r\n" + std::string{value} +
         "\r\n";
}
std::string file(std::string_view name, std::string_view file_name, std::string_view contents) {
  return "--b\r\nContent-Disposition: form-data; name=\"" + std::string{name} + "\"; filename=\"" +
         std::string{file_name} + "\"\r\nContent-Type: text/plain\r\n\r\n" + std::string{contents} + "\r\n";
}
const std::string end = "--b--\r\n";

std::string error(std::string_view type, std::string_view loc, std::string_view message, std::string_view input) {
  return R"({"type":")" + std::string{type} + R"(","loc":)" + std::string{loc} + R"(,"msg":")" + std::string{message} +
         R"(","input":)" + std::string{input} + "}";
}
std::string detail(const std::string& errors) { return R"({"detail":[)" + errors + "]}"; }

TEST_F(Forms, FillTheMembersOfAStruct) {
  app.post("/", sign_up);

  EXPECT_EQ(urlencoded("name=Ann+Lee%21&age=7"), "Ann Lee!|7|-|no|-|");
  EXPECT_EQ(urlencoded("colour=green&numbers=1&numbers=255&wants_mail=on&height=1.5&age=-7&name="),
            "|-7|1.500000|yes|green|1,255,");
  EXPECT_EQ(multipart(part("name", "Ann") + part("age", "7") + part("numbers", "3") + part("numbers", "4") + end),
            "Ann|7|-|no|-|3,4,");
}

TEST_F(Forms, AreTakenInTheGraphAndGuardNothing) {
  app.post("/", sign_up);

  const std::vector<GraphNode> nodes = app.graph().routes.at(0).nodes;

  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_EQ(nodes[0].role, "provider");
  EXPECT_EQ(nodes[1].edges.at(0).take, "depends");
}

TEST_F(Forms, TellAllThatIsWrong) {
  app.post("/", [](Query<"q", int>, Form<Signup>) {});
  const std::string expected = detail(
      error("int_parsing", R"(["query","q"])", "Input should be a valid integer, unable to parse string as an integer",
            R"("z")") +
      "," +
      error("int_parsing", R"(["body","age"])", "Input should be a valid integer, unable to parse string as an integer",
            R"("x")") +
      "," +
      error("int_parsing_size", R"(["body","numbers",1])",
            "Unable to parse input string as an integer, exceeded maximum size", R"("256")") +
      "," + R"({"type":"enum","loc":["body","colour"],"msg":"Input should be 'red' or 'green'","input":"blue",)" +
      R"("ctx":{"expected":"'red' or 'green'"}},)" + error("missing", R"(["body","name"])", "Field required", "null"));

  EXPECT_EQ(urlencoded("age=x&numbers=1&numbers=256&colour=blue", "/?q=z"), expected);
  EXPECT_EQ(multipart(part("age", "x") + part("numbers", "1") + part("numbers", "256") + part("colour", "blue") + end,
                      "/?q=z"),
            expected);
}

TEST_F(Forms, HaveFieldsThatWereLeftEmpty) {
  app.post("/", sign_up);

  EXPECT_EQ(urlencoded("name=&age=1&height=&wants_mail=&colour=&numbers=&numbers=2"), "|1|-|no|-|2,");
  EXPECT_EQ(urlencoded("name=x&age="), detail(error("missing", R"(["body","age"])", "Field required", "null")));
}

TEST_F(Forms, TakeTheFirstOfSeveralFieldsOfAName) {
  app.post("/", sign_up);

  EXPECT_EQ(urlencoded("name=a&age=1&name=b&age=x"), "a|1|-|no|-|");
}

TEST_F(Forms, HaveNamesOfTheirOwnAndMayForbidOthers) {
  app.post("/", [](Form<Mail> mail) { return mail->from; });

  EXPECT_EQ(urlencoded("from-whom=a"), "a");
  EXPECT_EQ(urlencoded("from-whom=a&x=1"),
            detail(error("extra_forbidden", R"(["body","x"])", "Extra inputs are not permitted", R"("1")")));
}

struct Bounded3 {
  Bounded<int, ge<1>, le<10>> count;
  std::optional<Text<max_length<3>>> title;
  Defaulted<Constrained<std::vector<std::string>, min_length<2>>> tags;
};
std::optional<std::string> validate(const Bounded3& form) {
  if (*form.count == 7) return "seven";
  return std::nullopt;
}

TEST_F(Forms, AreHeldAgainstTheirConstraints) {
  app.post("/",
           [](Form<Bounded3> form) { return std::to_string(*form->count) + std::to_string((**form->tags).size()); });

  EXPECT_EQ(urlencoded("count=1&tags=a&tags=b"), "12");
  EXPECT_EQ(urlencoded("count=0&title=long&tags=a"),
            R"({"detail":[{"type":"greater_than_equal","loc":["body","count"],)"
            R"("msg":"Input should be greater than or equal to 1","input":"0","ctx":{"ge":1}},)"
            R"({"type":"string_too_long","loc":["body","title"],"msg":"String should have at most 3 characters",)"
            R"("input":"long","ctx":{"max_length":3}},)"
            R"({"type":"too_short","loc":["body","tags"],"msg":"List should have at least 2 items after validation, )"
            R"(not 1","input":null,"ctx":{"field_type":"List","min_length":2,"actual_length":1}}]})");
  EXPECT_EQ(urlencoded("count=7"), detail(error("value_error", R"(["body"])", "Value error, seven", "null")));
}

TEST_F(Forms, AreDecodedStrictly) {
  app.post("/", [](Form<Mail> mail) { return std::to_string(mail->from.size()); });

  EXPECT_EQ(urlencoded("from%2Dwhom=%00%C3%A9"), "3");
  EXPECT_NE(urlencoded("from-whom=%4").find(R"("type":"percent_encoding","loc":["body","from-whom"])"),
            std::string::npos);
  EXPECT_NE(urlencoded("from-whom=%FF").find(R"("type":"string_unicode","loc":["body","from-whom"])"),
            std::string::npos);
  EXPECT_NE(multipart(part("from-whom", "\xff") + end).find(R"("type":"string_unicode")"), std::string::npos);
}

TEST_F(Forms, OfAnotherTypeAreMissing) {
  app.post("/", [](Form<Mail>) {});
  struct Free {
    std::optional<int> a;
  };
  app.post("/free", [](Form<Free>) { return "free"; });

  for (const std::string type : {"application/json", "text/plain", "multipart/mixed; boundary=b", ""}) {
    EXPECT_EQ(answer(type, "from-whom=a"),
              detail(error("missing", R"(["body","from-whom"])", "Field required", "null")))
        << type;
    EXPECT_EQ(answer(type, "a=1", "/free"), detail(error("missing", R"(["body"])", "Field required", "null"))) << type;
  }
  EXPECT_EQ(answer("", "", "/free"), "free");
  EXPECT_EQ(answer("application/json", "", "/free"), "free");
  EXPECT_EQ(answer("Application/X-WWW-Form-Urlencoded; charset=utf-8", "a=1", "/free"), "free");
}

TEST_F(Forms, OfAnotherTypeAreA415WhereTheRouteSaysSo) {
  app.post("/", [](Form<Mail>) {}, {.on_wrong_type = OnWrongType::unsupported});

  EXPECT_EQ(send("application/json", "{}").status(), 415);
  EXPECT_EQ(send("application/x-www-form-urlencoded", "a=1").status(), 422);
}

struct Upload {
  std::string title;
  UploadedFile first;
  std::optional<UploadedFile> second;
  Defaulted<std::vector<UploadedFile>> others;
};

std::string read_all(const UploadedFile& file) {
  std::string text(file.size() + 1, '#');
  text.resize(file.read_now(0, text));
  return text;
}

std::string show(const UploadedFile& file) {
  return file.file_name() + '|' + file.content_type() + '|' + std::to_string(file.size()) + '|' +
         (file.is_in_memory() ? "memory|" : "file|") + read_all(file) + ' ';
}

std::string upload(Form<Upload, FormLimits{.memory_bytes = 10}> form) {
  std::string text = form->title + ' ' + show(form->first);
  if (form->second) text += show(*form->second);
  for (const UploadedFile& file : *form->others) text += show(file);
  return text;
}

TEST_F(Forms, BringFiles) {
  app.post("/", upload);

  EXPECT_EQ(multipart(part("title", "T") + file("first", "a.txt", "abc") + end), "T a.txt|text/plain|3|memory|abc ");
  EXPECT_EQ(multipart(file("others", "1", "") + part("title", "T") + file("second", "b", "0123456789x") +
                      file("first", "a", "abc") + file("others", "2", "y") + end),
            "T a|text/plain|3|memory|abc b|text/plain|11|file|0123456789x 1|text/plain|0|memory| "
            "2|text/plain|1|memory|y ");
}

TEST_F(Forms, KeepFilesInMemoryToALimitForAllOfThem) {
  app.post("/", upload);

  EXPECT_EQ(multipart(part("title", "T") + file("first", "a", "012345") + file("second", "b", "01234") +
                      file("others", "c", "0123456789ab") + file("others", "d", "x") + end),
            "T a|text/plain|6|memory|012345 b|text/plain|5|memory|01234 c|text/plain|12|file|0123456789ab "
            "d|text/plain|1|memory|x ");  // What is small is worth no descriptor.
}

TEST_F(Forms, AreTheSameHoweverTheyAreCut) {
  app.post("/", upload);
  const std::string body = part("title", "T\r\n--") + file("first", "a", "\r\n-0123456789abcdef\r\n--") + end;
  const std::string whole = multipart(body);

  EXPECT_EQ(whole, "T\r\n-- a|text/plain|23|file|\r\n-0123456789abcdef\r\n-- ");
  for (std::size_t size = 1; size < body.size(); ++size)
    ASSERT_EQ(send("multipart/form-data; boundary=b", body, "/", size).body(), whole) << size;
}

TEST_F(Forms, TakeFilesLargerThanWhatIsWrittenAtOnce) {
  app.post("/", [](Form<Upload> form) {
    const std::string contents = read_all(form->first);
    std::uint64_t sum = 0;
    for (const char c : contents) sum = sum * 31 + static_cast<unsigned char>(c);
    return std::to_string(contents.size()) + ' ' + std::to_string(sum);
  });
  std::string contents(5 << 20, '\0');
  std::uint64_t sum = 0, state = 1;
  for (char& c : contents) {
    c = static_cast<char>((state = state * 6364136223846793005 + 1442695040888963407) >> 56);
    sum = sum * 31 + static_cast<unsigned char>(c);
  }
  const std::string expected = std::to_string(contents.size()) + ' ' + std::to_string(sum);
  const std::string body = part("title", "T") + file("first", "a", contents) + end;

  EXPECT_EQ(send("multipart/form-data; boundary=b", body, "/").body(), expected);
  EXPECT_EQ(send("multipart/form-data; boundary=b", body, "/", 100'003).body(), expected);
}

TEST_F(Forms, AreReadByCoroutinesToo) {
  app.post("/", [](Form<Upload, FormLimits{.memory_bytes = 0}> form) -> Task<Response> {
    std::string text;
    char block[4];
    for (std::uint64_t at = 0; at < form->first.size();) {
      const std::size_t read = co_await form->first.read(at, block);
      text.append(block, read);
      at += read;
    }
    co_return Response::text(text);
  });

  EXPECT_EQ(multipart(part("title", "T") + file("first", "a", "0123456789") + end), "0123456789");
}

TEST_F(Forms, DoNotMistakeFilesAndTexts) {
  app.post("/", upload);

  EXPECT_EQ(
      multipart(file("title", "a", "x") + part("first", "abc") + end),
      detail(error("string_type", R"(["body","title"])", "Input should be a valid string", "null") + "," +
             error("value_error", R"(["body","first"])", "Value error, expected a file, received text", R"("abc")")));
  EXPECT_EQ(multipart(part("title", "T") + file("first", "", "") + end),
            detail(error("missing", R"(["body","first"])", "Field required", "null")))
      << "what a browser sends if no file was chosen";
}

TEST_F(Forms, ThatAreMalformedAreA400) {
  app.post("/", upload);
  const auto refused = [&](const std::string& type, const std::string& body, const std::string& words) {
    const loopback::Reply reply = send(type, body);
    EXPECT_EQ(reply.status(), 400) << body;
    EXPECT_EQ(reply.body(), R"({"detail":")" + words + R"("})");
  };
  const std::string multipart = "multipart/form-data; boundary=b";
  const std::string malformed = "There was an error parsing the body";

  refused("multipart/form-data", end, "Missing boundary in multipart.");
  refused("multipart/form-data; boundary=\"\"", end, malformed);
  refused(multipart, "", malformed);
  refused(multipart, part("title", "T"), malformed);
  refused(multipart, "--b\r\nbroken\r\n\r\n", malformed);
  refused(multipart, file("first", "\xff", "x") + end, malformed);
  refused(multipart, "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--",
          R"(The Content-Disposition header field \"name\" must be provided.)");
}

TEST_F(Forms, HaveLimits) {
  app.post("/", [](Form<Upload, FormLimits{.fields = 2, .files = 1, .text_bytes = 20, .file_bytes = 5}>) {});
  app.post("/small", [](Form<Upload>) {}, {.body_limit = 50});
  const auto text = [&](std::string type, std::string body, std::string target = "/") {
    const loopback::Reply reply = send(std::move(type), std::move(body), std::move(target));
    return std::to_string(reply.status()) + reply.body();
  };
  const std::string pairs = "application/x-www-form-urlencoded", parts = "multipart/form-data; boundary=b";

  EXPECT_TRUE(text(pairs, "a=1&b=2").starts_with("422"));
  EXPECT_EQ(text(pairs, "a=1&b=2&c"), R"(400{"detail":"Too many fields. Maximum number of fields is 2."})");
  EXPECT_EQ(text(parts, part("a", "") + part("b", "") + part("c", "") + end),
            R"(400{"detail":"Too many fields. Maximum number of fields is 2."})");
  EXPECT_EQ(text(parts, file("a", "x", "") + file("b", "x", "") + end),
            R"(400{"detail":"Too many files. Maximum number of files is 1."})");
  EXPECT_TRUE(text(pairs, "a=" + std::string(18, 'x')).starts_with("422"));
  EXPECT_TRUE(text(pairs, "a=" + std::string(21, 'x')).starts_with("413"));
  EXPECT_TRUE(text(pairs, "a=0123456789&b=0123456789").starts_with("413"));
  EXPECT_TRUE(text(parts, part("a", std::string(20, 'x')) + end).starts_with("413"));
  EXPECT_TRUE(text(parts, part("title", "") + file("first", "x", "12345") + end).starts_with("204"));
  EXPECT_TRUE(text(parts, part("title", "") + file("first", "x", "123456") + end).starts_with("413"));
  EXPECT_TRUE(text(parts, part("title", "") + file("first", "x", "123456") + end, "/small").starts_with("413"));
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) ++count;
  return count;
}

TEST_F(Forms, LeaveNoFileOpenWhateverHappens) {
  app.post("/",
           [](Form<Upload, FormLimits{.file_bytes = 100, .memory_bytes = 1}> form, Query<"fail", bool, false> fail) {
             EXPECT_FALSE(form->first.is_in_memory());
             if (*fail) throw HttpError{409};
           });
  const std::string begin = part("title", "T") + file("first", "a", "0123456789");
  const std::string type = "multipart/form-data; boundary=b";
  EXPECT_EQ(send(type, begin + end).status(), 204);
  const std::size_t before = open_descriptors();

  EXPECT_EQ(send(type, begin + end).status(), 204);
  EXPECT_EQ(send(type, begin + end, "/?fail=1").status(), 409);
  EXPECT_EQ(send(type, begin + end, "/?fail=x").status(), 422);
  EXPECT_EQ(send(type, begin).status(), 400) << "it ends too early";
  EXPECT_EQ(send(type, begin + "--b\r\nbroken\r\n\r\n").status(), 400);
  EXPECT_EQ(send(type, begin + file("second", "b", std::string(101, 'x')) + end).status(), 413);
  EXPECT_EQ(send(type, begin + file("first", "b", "again") + file("unknown", "c", "0123456789") + end).status(), 204);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(Forms, EndWithWhoSendsThem) {
  app.post("/", [](Form<Upload, FormLimits{.memory_bytes = 1}>) { ADD_FAILURE() << "it ran"; });
  loopback::Client client{app};
  const std::size_t before = open_descriptors();
  OwnedRequest request{Method::post, "/"};
  request.header("content-type", "multipart/form-data; boundary=b");
  Pieces pieces{part("title", "T"), file("first", "a", "0123456789")};
  pieces.end(Pulled::failed);

  const loopback::Incoming incoming = client.run(client.open(std::move(request), pieces.give()));

  EXPECT_EQ(incoming.status(), 400);
  EXPECT_EQ(open_descriptors(), before);
}

/// Asks, and leaves when the body has been asked for so often.
Task<int> ask_and_leave(loopback::Client& client, Pieces& pieces, int pulls) {
  Env& env = co_await CurrentEnv{};
  pieces.context = env.context;
  pieces.on_pull([&env, &pieces, pulls] {
    if (pieces.pulls == pulls) env.context->post([&env]() noexcept { env.stop.request_stop(); });
  });
  OwnedRequest request{Method::post, "/"};
  request.header("content-type", "multipart/form-data; boundary=b");
  loopback::Incoming reply = co_await client.open(std::move(request), pieces.give());
  co_return reply.status();
}

TEST_F(Forms, EndWithWhoLeaves) {
  app.post("/", [](Form<Upload, FormLimits{.memory_bytes = 1}>) { ADD_FAILURE() << "it ran"; });
  loopback::Client client{app};
  client.get("/");
  const std::size_t before = open_descriptors();

  for (const int pulls : {1, 2, 3}) {  // While a file is written, behind that, and in the next part.
    Pieces pieces{part("title", "T") + file("first", "a", "0123456789"), file("second", "b", "0123456789")};
    EXPECT_EQ(client.run(ask_and_leave(client, pieces, pulls)), 499) << pulls;
    EXPECT_EQ(pieces.drops, 1);
    EXPECT_EQ(open_descriptors(), before);
  }
}

TEST_F(Forms, LeaveAFileToWhoHasDuplicatedItsDescriptor) {
  int kept = -1;
  app.post("/", [&kept](Form<Upload, FormLimits{.memory_bytes = 1}> form) { kept = ::dup(form->first.descriptor()); });

  EXPECT_EQ(multipart(part("title", "T") + file("first", "a", "0123456789") + end), "");

  char contents[11]{};
  EXPECT_EQ(::pread(kept, contents, sizeof contents, 0), 10);
  EXPECT_STREQ(contents, "0123456789");
  EXPECT_EQ(::close(kept), 0);
}

std::string journal;
void guard(Query<"key", std::optional<std::string>> key) {
  if (*key != "k") throw HttpError{401};
}
int other() { return journal += "other ", 1; }

TEST_F(Forms, AreReadBehindGuardsAndBeforeAllElse) {  // Rule 6.
  app.post("/", [](Depends<other>, Form<Signup> form, Guard<guard>) { return journal += "handler", form->name; });

  journal.clear();
  EXPECT_EQ(send("application/x-www-form-urlencoded", "nonsense").status(), 401);
  EXPECT_EQ(send("application/x-www-form-urlencoded", "nonsense", "/?key=k").status(), 422);
  EXPECT_EQ(send("multipart/form-data; boundary=b", "nonsense", "/?key=k").status(), 400);
  EXPECT_EQ(journal, "");
  EXPECT_EQ(urlencoded("name=a&age=1", "/?key=k"), "a");
  EXPECT_EQ(journal, "other handler");
}

std::string name_of(Form<Signup> form) { return form->name; }
int age_of(Form<Signup> form) { return form->age; }

TEST_F(Forms, AreReadOnceForAllWhoTakeThem) {
  app.post("/", [](Depends<name_of> name, Depends<age_of> age) { return *name + std::to_string(*age); });

  EXPECT_EQ(urlencoded("name=a&age=1"), "a1");
}

TEST_F(Forms, OfTwoKindsDoNotStart) {
  app.post("/", [](Form<Signup>, Form<Mail>) {});

  EXPECT_THROW(urlencoded(""), StartError);
}

TEST(Form, CanBeMadeByAUnitTest) {
  Signup signup;
  signup.name = "Ann";
  signup.age = 3;

  EXPECT_EQ(sign_up(Form<Signup>{signup}), "Ann|3|-|no|-|");
}

}  // namespace
}  // namespace umbel::test
