// SPDX-License-Identifier: MIT
#pragma once
// The request's body as a form: urlencoded, or multipart with files.

#include <cstddef>
#include <cstdint>
#include <utility>

#include "umbel/core/task.hpp"
#include "umbel/di/body_stream.hpp"
#include "umbel/di/depends.hpp"
#include "umbel/di/uploaded_file.hpp"
#include "umbel/json/detail/shape.hpp"

namespace umbel {

/// How much of a form is taken, beside what RouteOptions::body_limit, or the transport's own limit, says of the whole
/// body.
struct FormLimits {
  std::size_t fields = 1000;                     // That are no files. One more is a 400.
  std::size_t files = 1000;                      // One more is a 400.
  std::size_t text_bytes = 1024 * 1024;          // Of all names and values that are no files. More is a 413.
  std::size_t head_bytes = 4096;                 // Of a part's header lines. More is a 400.
  std::uint64_t file_bytes = ~std::uint64_t{0};  // Of each file. More is a 413.
  std::size_t memory_bytes = 1024 * 1024;        // Of all files; beyond it those above 16 KiB go to disk.
};

namespace detail {

/// A hidden parameter of the node that reads a form.
class FormBody : public BodyStream {
public:
  explicit FormBody(Resolver& resolver) noexcept;

  /// Reads the body to its end into `form`, which is as its type makes it. What is wrong with it is reported; what is
  /// wrong with the body is thrown.
  Task<> read_into(const Shape& shape, void* form, const FormLimits& limits);

private:
  Resolver& resolver_;
};

bool make_form_body(Resolver& resolver, std::uint32_t index, void* slot);

/// What a form is read into. One constant per type.
struct FormModel {
  const Shape* shape;
};
template <class T>
inline constexpr FormModel form_model{&ShapeOf<T>::value};

/// A FormBody as the parameter of the node that reads a T.
template <class T>
struct FormBodyOf {
  FormBody& body;
};

/// What a value of a form can become.
template <class T>
constexpr bool is_form_value() noexcept {
  if constexpr (is_defaulted<T> || is_constrained<T>) return is_form_value<typename T::Value>();
  else return std::is_arithmetic_v<T> || std::is_enum_v<T> || std::same_as<T, std::string> || is_file<T>;
}
template <class T>
constexpr bool is_form_list() noexcept {
  if constexpr (is_defaulted<T> || is_constrained<T>) return is_form_list<typename T::Value>();
  else if constexpr (is_list<T>) return is_form_value<typename T::value_type>();
  else return is_form_value<T>();
}
template <class T>
constexpr bool is_form_member() noexcept {
  if constexpr (is_optional<T>) return is_form_list<typename T::value_type>();
  else return is_form_list<T>();
}
template <class... Each>
constexpr bool are_form_members(MemberPack<Each...>) noexcept {
  return (is_form_member<typename Each::Type>() && ... && true);
}

template <class T>
struct CheckForm {
  static_assert(Model<T>, "umbel: Form<T> takes a struct, whose members are the form's fields");
  static_assert(
      are_form_members(MembersOf<T>{}),
      "umbel: a field of a form is a number, bool, an enum class, std::string, UploadedFile, or a std::vector "
      "of these, and std::optional or Defaulted around it: what has members of its own does not fit into a "
      "form");
  static constexpr bool value = true;
};

/// The node behind Form<T>.
template <class T, FormLimits limits>
Task<T> read_form(FormBodyOf<T> form_body) {
  static constexpr FormLimits kept = limits;
  T form{};
  co_await form_body.body.read_into(ShapeOf<T>::value, &form, kept);
  co_return std::move(form);
}

}  // namespace detail

/// The body as a form, `application/x-www-form-urlencoded` or `multipart/form-data` (RFC 7578), in a struct whose
/// members are its fields:
///
///     struct Signup {
///       std::string name;
///       std::optional<int> age;
///       Defaulted<bool> wants_mail = false;   // A checkbox that is not ticked is not sent.
///       std::vector<std::string> topics;      // All of that name.
///       std::optional<UploadedFile> picture;  // Only multipart brings files.
///     };
///     Response sign_up(Form<Signup> form);
///
/// `*` and `->` give the struct. It is read after the guards and before any other node runs, and mistakes are told with
/// those of the other parameters, in FastAPI's words: `{"type": "int_parsing", "loc": ["body", "age"], ...}`. Members
/// are required, optional, Defaulted and renamed as in a JSON model (read_model); of several fields of one name the
/// first counts, a std::vector takes them all. Texts become values as those of a Query do. A field that was left empty
/// is not there, unless it is a std::string; nor is a file without name and contents. Fields that the struct has not
/// are passed over, or `extra_forbidden` if `ModelTraits<T>::forbids_extra`.
///
/// The body is never in memory as a whole: files go to temporary files when they are more than `limits.memory_bytes`
/// together. A body of another type is a 422 with every field missing, or a 415, see OnWrongType; one that is
/// malformed, or ends too early, is a 400, as are too many fields or files; one that is too large a 413. Two forms in
/// one graph do not start, and nor does a form beside a Body or a BodyStream.
template <class T, FormLimits limits = FormLimits{}>
class Form {
  static_assert(detail::CheckForm<T>::value);

public:
  using Value = T;

  /// The resolver calls this. A unit test may too, with a struct that outlives us.
  explicit constexpr Form(const T& form) noexcept : form_(&form) {}
  Form(const T&&) = delete;

  constexpr const T& operator*() const noexcept { return *form_; }
  constexpr const T* operator->() const noexcept { return form_; }
  constexpr operator const T&() const noexcept { return *form_; }

private:
  const T* form_;  // Never null. In the request's memory.
};

template <class T>
struct ParameterTraits<detail::FormBodyOf<T>> {
  static constexpr detail::Source source = detail::Source::body_stream;
  static constexpr detail::ValueInfo info{.source = source,
                                          .name = {},
                                          .title = "Form",
                                          .size = sizeof(detail::FormBody),
                                          .align = alignof(detail::FormBody),
                                          .extract = detail::make_form_body,
                                          .destroy = nullptr,
                                          .form = &detail::form_model<T>};
  template <class Where>
  static constexpr detail::Need need() {
    detail::Need need{source};
    need.value = &info;
    return need;
  }
  static detail::FormBodyOf<T> get(detail::Resolver& resolver, const detail::Step&, detail::Input input) noexcept {
    return {*static_cast<detail::FormBody*>(resolver.at(input.at.offset))};
  }
};

template <class T, FormLimits limits>
struct ParameterTraits<Form<T, limits>>
    : detail::ReadTraits<Form<T, limits>, detail::read_form<T, limits>, detail::Take::check> {};

}  // namespace umbel
