// SPDX-License-Identifier: MIT
#pragma once
// How a request ended, or why it did not.

#include <cstdint>

#include "umbel/core/error.hpp"

namespace umbel {

/// Why a request is cancelled.
enum class CancelReason : std::uint8_t {
  disconnected,  // The peer left.
  deadline,      // An answer would come too late.
  shutdown,      // The server stops, and its drain deadline is over.
};

/// How the request ended for which a resource was made: the value of its `co_yield`. Cancellation is no error: nobody
/// is to blame.
///
///     const Outcome& outcome = co_yield session;
///     if (outcome.ok()) co_await session.commit();
///     else co_await session.rollback();
class Outcome {
public:
  /// Ok.
  constexpr Outcome() noexcept = default;
  /// Failed; `error` is not owned and outlives us.
  explicit constexpr Outcome(const Error& error) noexcept : error_(&error), kind_(Kind::error) {}
  /// The request was cancelled, for that reason.
  explicit constexpr Outcome(CancelReason reason) noexcept : kind_(Kind::cancelled), reason_(reason) {}

  /// A reply was made, and nothing failed.
  bool ok() const noexcept { return kind_ == Kind::ok; }
  /// The request was cancelled: its peer left, it took too long, or the server stops.
  bool cancelled() const noexcept { return kind_ == Kind::cancelled; }
  /// Null unless it failed.
  const Error* error() const noexcept { return error_; }
  /// Only if cancelled().
  CancelReason reason() const noexcept { return reason_; }

private:
  enum class Kind : std::uint8_t { ok, error, cancelled };

  const Error* error_ = nullptr;
  Kind kind_ = Kind::ok;
  CancelReason reason_ = CancelReason::disconnected;
};

/// Thrown by a resource after its `co_yield`: the error that the client sees in place of the one that was, or of the
/// success. Whatever is torn down later sees the new one. After the reply is sent it is a late error like any other.
///
///     if (const bool conflict = co_await session.commit_failed(); conflict)
///       throw Replace{HttpError{409, "Somebody else was faster"}};
class Replace : public std::exception {
public:
  /// The error that takes the place of the request's own.
  explicit Replace(Error error) noexcept : error_(std::move(error)) {}
  /// The same, as an answer to the client.
  explicit Replace(HttpError error) : error_(std::move(error)) {}

  /// The error that it brings.
  const Error& error() const noexcept { return error_; }
  /// A sentence for whoever catches it by mistake.
  const char* what() const noexcept override { return "umbel: a resource replaces the request's error"; }

private:
  Error error_;
};

}  // namespace umbel
