// SPDX-License-Identifier: MIT
#pragma once
// What goes wrong, as exceptions and as values.

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace umbel {

/// The phrase that RFC 9110 section 15 gives a status: "Not Found". Empty if it knows none.
std::string_view reason_phrase(int status) noexcept;

/// An answer that is an error, thrown or returned from any node: `throw HttpError{401, "Not authenticated"};`.
/// The client gets the status and `{"detail": ...}`.
class HttpError : public std::exception {
public:
  /// `detail` is sent to the client. Left out, it is the status' reason phrase.
  explicit HttpError(int status, std::string detail = {});

  /// Adds a header to the reply. Throws std::invalid_argument if name or value could split it.
  HttpError& header(std::string_view name, std::string_view value) &;
  HttpError&& header(std::string_view name, std::string_view value) && { return std::move(header(name, value)); }

  /// The reply's status.
  int status() const noexcept { return status_; }
  /// The text of the reply's `detail`.
  const std::string& detail() const noexcept { return detail_; }
  /// The headers as they go on the wire, each line with its CR LF.
  const std::string& header_lines() const noexcept { return header_lines_; }
  /// The detail.
  const char* what() const noexcept override { return detail_.c_str(); }

private:
  int status_;
  std::string detail_;
  std::string header_lines_;
};

/// Thrown by what was awaited when it is asked to stop: the client left, a sibling failed, the server drains.
/// Let it pass: clean-up belongs in destructors.
class Cancelled : public std::exception {
public:
  /// The word `cancelled`.
  const char* what() const noexcept override { return "cancelled"; }
};

/// The program is wrong as a whole: a missing State, conflicting routes. Thrown before the first request is served;
/// `what()` lists every mistake with the path that leads to it.
class StartError : public std::logic_error {
public:
  using std::logic_error::logic_error;
};

template <class T>
class Result;

/// A failure as a value: an HttpError that nobody had to throw, or whatever was thrown.
class Error {
public:
  /// An answer to the client.
  Error(HttpError error) : http_(std::make_shared<const HttpError>(std::move(error))) {}
  /// Anything else that was thrown.
  Error(std::exception_ptr thrown) noexcept : thrown_(std::move(thrown)) {}

  /// What a catch block holds now, HttpErrors unwrapped.
  static Error current();

  /// Null if it is anything but an HttpError.
  const HttpError* http() const noexcept { return http_.get(); }
  /// The HttpError's status; 500 for everything else.
  int status() const noexcept { return http() ? http()->status() : 500; }
  /// True for Cancelled.
  bool is_cancelled() const noexcept;
  /// The exception's own words: for observers and logs, never for clients.
  std::string message() const;
  /// Throws what it holds.
  [[noreturn]] void rethrow() const;

private:
  friend class Result<void>;
  Error() noexcept = default;  // In place of none: Result<void> would need an optional, which g++ 12 warns of.
  bool is_none() const noexcept { return !http_ && !thrown_; }

  // One of the two. No variant: g++ 12 sees uninitialised parts in every moved one; and a Result stays small.
  std::shared_ptr<const HttpError> http_;
  std::exception_ptr thrown_;
};

/// A T, or the error that stands in its place; what a node returns that would rather not throw.
///
///     Result<User> current_user(Header<"x-token"> token, State<Users> users) {
///       if (const User* user = users->find(*token)) return *user;
///       return HttpError{401, "Not authenticated"};
///     }
template <class T>
class [[nodiscard]] Result {
public:
  using Value = T;

  /// A value.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  /// An error.
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
  /// An error that is an answer to the client.
  Result(HttpError error) : state_(std::in_place_index<1>, std::move(error)) {}

  /// It holds a value.
  bool ok() const noexcept { return state_.index() == 0; }
  /// The same.
  explicit operator bool() const noexcept { return ok(); }

  /// Rethrows the error if there is no value.
  T& value() & { return check(), *std::get_if<0>(&state_); }
  /// The value; throws the error if there is none.
  const T& value() const& { return check(), *std::get_if<0>(&state_); }
  /// The value, to be moved from; throws the error if there is none.
  T&& value() && { return check(), std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  /// Only if !ok().
  const Error& error() const& noexcept { return *std::get_if<1>(&state_); }
  /// The error, to be moved from. Only if !ok().
  Error&& error() && noexcept { return std::move(*std::get_if<1>(&state_)); }

private:
  void check() const {
    if (!ok()) error().rethrow();
  }

  std::variant<T, Error> state_;
};

/// Success without a value, or an error: what a check returns.
template <>
class [[nodiscard]] Result<void> {
public:
  using Value = void;

  Result() = default;
  /// An error.
  Result(Error error) : error_(std::move(error)) {}
  /// An error that is an answer to the client.
  Result(HttpError error) : error_(std::move(error)) {}

  /// There is no error.
  bool ok() const noexcept { return error_.is_none(); }
  /// The same.
  explicit operator bool() const noexcept { return ok(); }
  /// Rethrows the error if there is one.
  void value() const {
    if (!ok()) error().rethrow();
  }
  /// Only if !ok().
  const Error& error() const& noexcept { return error_; }
  /// The error, to be moved from. Only if !ok().
  Error&& error() && noexcept { return std::move(error_); }

private:
  Error error_;
};

}  // namespace umbel
