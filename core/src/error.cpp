// SPDX-License-Identifier: MIT
#include "umbel/core/error.hpp"

#include "umbel/core/response.hpp"

namespace umbel {

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 203:
      return "Non-Authoritative Information";
    case 204:
      return "No Content";
    case 205:
      return "Reset Content";
    case 206:
      return "Partial Content";
    case 300:
      return "Multiple Choices";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 305:
      return "Use Proxy";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 407:
      return "Proxy Authentication Required";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return {};
  }
}

HttpError::HttpError(int status, std::string detail) : status_(status), detail_(std::move(detail)) {
  if (detail_.empty()) detail_ = reason_phrase(status);
}

HttpError& HttpError::header(std::string_view name, std::string_view value) & {
  detail::check_header(name, value);
  header_lines_.append(name).append(": ").append(value).append("\r\n");
  return *this;
}

Error Error::current() {
  try {
    throw;
  } catch (const HttpError& error) {
    return error;
  } catch (...) {
    return std::current_exception();
  }
}

bool Error::is_cancelled() const noexcept {
  if (http()) return false;
  try {
    std::rethrow_exception(thrown_);
  } catch (const Cancelled&) {
    return true;
  } catch (...) {
    return false;
  }
}

std::string Error::message() const {
  if (http()) return http()->detail();
  try {
    rethrow();
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

void Error::rethrow() const {
  if (const HttpError* const error = http()) throw *error;
  std::rethrow_exception(thrown_);
}

}  // namespace umbel
