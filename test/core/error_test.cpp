// SPDX-License-Identifier: MIT
#include "umbel/core/error.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

namespace umbel {
namespace {

TEST(ReasonPhrase, KnowsTheStatusesOfRfc9110) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(404), "Not Found");
  EXPECT_EQ(reason_phrase(422), "Unprocessable Content");
  EXPECT_EQ(reason_phrase(799), "");
}

TEST(HttpError, CarriesStatusAndDetail) {
  const HttpError error{401, "Not authenticated"};

  EXPECT_EQ(error.status(), 401);
  EXPECT_EQ(error.detail(), "Not authenticated");
  EXPECT_STREQ(error.what(), "Not authenticated");
  EXPECT_EQ(error.header_lines(), "");
}

TEST(HttpError, SaysTheReasonPhraseIfNoDetailIsGiven) {
  EXPECT_EQ(HttpError{404}.detail(), "Not Found");
  EXPECT_EQ(HttpError{599}.detail(), "");
}

TEST(HttpError, KeepsHeadersInOrder) {
  HttpError error = HttpError{401}.header("www-authenticate", "Bearer").header("www-authenticate", "Basic");
  error.header("retry-after", "3");

  EXPECT_EQ(error.header_lines(), "www-authenticate: Bearer\r\nwww-authenticate: Basic\r\nretry-after: 3\r\n");
}

TEST(HttpError, RefusesAHeaderThatWouldSplitTheReply) {
  HttpError error{400};

  EXPECT_THROW(error.header("x-a", "1\r\nx-b: 2"), std::invalid_argument);
  EXPECT_THROW(error.header("x a", "1"), std::invalid_argument);
  EXPECT_THROW(error.header("content-length", "1"), std::invalid_argument);
  EXPECT_EQ(error.header_lines(), "");
}

Error caught(void (*throwing)()) {
  try {
    throwing();
  } catch (...) {
    return Error::current();
  }
  return HttpError{200};
}

TEST(Error, UnwrapsAnHttpErrorThatWasThrown) {
  const Error error = caught([] { throw HttpError{403, "no"}; });

  ASSERT_NE(error.http(), nullptr);
  EXPECT_EQ(error.status(), 403);
  EXPECT_EQ(error.message(), "no");
}

TEST(Error, Is500ForEverythingElseAndKeepsItsWords) {
  const Error error = caught([] { throw std::runtime_error{"disk full"}; });

  EXPECT_EQ(error.http(), nullptr);
  EXPECT_EQ(error.status(), 500);
  EXPECT_EQ(error.message(), "disk full");
  EXPECT_FALSE(caught([] { throw 42; }).message().empty());
}

TEST(Error, RethrowsWhatItHolds) {
  EXPECT_THROW(caught([] { throw HttpError{403}; }).rethrow(), HttpError);
  EXPECT_THROW(caught([] { throw 42; }).rethrow(), int);
  EXPECT_THROW(caught([] { throw Cancelled{}; }).rethrow(), Cancelled);
}

TEST(Result, HoldsAValue) {
  Result<std::string> result{"abc"};

  EXPECT_TRUE(result.ok());
  EXPECT_TRUE(result);
  EXPECT_EQ(*result, "abc");
  EXPECT_EQ(result->size(), 3u);
}

TEST(Result, HoldsAnErrorAndThrowsItWhenTheValueIsAskedFor) {
  const Result<int> result = HttpError{409, "taken"};

  EXPECT_FALSE(result);
  EXPECT_EQ(result.error().status(), 409);
  EXPECT_THROW(static_cast<void>(result.value()), HttpError);
}

TEST(Result, GivesAMoveOnlyValueAway) {
  Result<std::unique_ptr<int>> result{std::make_unique<int>(5)};

  const std::unique_ptr<int> value = std::move(result).value();

  EXPECT_EQ(*value, 5);
}

TEST(Result, OfVoidIsSuccessOrAnError) {
  EXPECT_TRUE(Result<void>{}.ok());
  EXPECT_NO_THROW(Result<void>{}.value());

  const Result<void> failed = HttpError{403};
  EXPECT_FALSE(failed.ok());
  EXPECT_THROW(failed.value(), HttpError);
  EXPECT_EQ(failed.error().status(), 403);
}

}  // namespace
}  // namespace umbel
