// SPDX-License-Identifier: MIT
#include "umbel/di/form.hpp"

#include <algorithm>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "file_spool.hpp"
#include "form_values.hpp"
#include "multipart.hpp"
#include "percent.hpp"
#include "umbel/core/buffer.hpp"
#include "umbel/di/body.hpp"
#include "umbel/di/resolver.hpp"
#include "urlencoded.hpp"

namespace umbel::detail {

namespace {

// What a file is written by.
constexpr std::size_t spool_block = 256 * 1024;
constexpr std::size_t least_spooled = 16 * 1024;  // Of a file: less is not worth a descriptor.

[[noreturn]] void refuse_malformed() { throw HttpError{400, "There was an error parsing the body"}; }

/// One form while it is read.
class FormReading {
public:
  FormReading(const Shape& shape, void* form, const FormLimits& limits) noexcept
      : limits_(limits), values_(shape, form) {}

  void add_pair(std::string_view name, std::string_view value);
  void begin_part(const PartHead& head);
  /// True: `flush` is due.
  bool add_data(std::string_view data);
  /// The same.
  bool end_part();
  /// On a worker. Returns errno.
  int flush() noexcept { return spool_->flush(); }

  FormValues& values() noexcept { return values_; }
  std::size_t text_limit() const noexcept { return limits_.text_bytes; }
  std::size_t head_limit() const noexcept { return limits_.head_bytes; }

private:
  void count_field();
  void count_file();
  void count_text(std::size_t bytes);
  void begin_file();
  bool add_to_file(std::string_view data);
  void end_text();

  const FormLimits& limits_;
  FormValues values_;
  std::size_t fields_ = 0;
  std::size_t files_ = 0;
  std::size_t text_bytes_ = 0;
  std::size_t memory_bytes_ = 0;  // Of files that stay in memory.

  // Of the part that is being read.
  PartHead head_;
  Buffer text_;
  std::uint64_t file_bytes_ = 0;
  bool has_begun_ = false;
  std::optional<FileSpool> spool_;  // Nobody wants it if there is none.
};

void FormReading::count_field() {
  if (++fields_ > limits_.fields)
    throw HttpError{400, "Too many fields. Maximum number of fields is " + std::to_string(limits_.fields) + "."};
}

void FormReading::count_file() {
  if (++files_ > limits_.files)
    throw HttpError{400, "Too many files. Maximum number of files is " + std::to_string(limits_.files) + "."};
}

void FormReading::count_text(std::size_t bytes) {
  if (limits_.text_bytes - text_bytes_ < bytes) throw HttpError{413};
  text_bytes_ += bytes;
}

/// As it was sent.
void FormReading::add_pair(std::string_view name, std::string_view value) {
  count_field();
  count_text(name.size() + value.size());
  text_.clear();
  char* const room = text_.room(name.size() + value.size());
  const std::size_t name_size = percent_decode(name, PlusIs::space, room);
  const std::string_view decoded_name{room, name_size};
  const Encoding encoding = encoding_of(value);
  if (encoding != Encoding::good) return values_.add_wrong(decoded_name, value, words_for(encoding));
  const std::size_t value_size = percent_decode(value, PlusIs::space, room + name_size);
  values_.add_text(decoded_name, {room + name_size, value_size});
}

void FormReading::begin_part(const PartHead& head) {
  head_ = head;
  text_.clear();
  spool_.reset();
  file_bytes_ = 0;
  has_begun_ = false;
  if (head_.file_name) return count_file();
  count_field();
  count_text(head_.name.size());
}

bool FormReading::add_data(std::string_view data) {
  if (head_.file_name) return add_to_file(data);
  count_text(data.size());
  text_.append(data);
  return false;
}

bool FormReading::end_part() {
  if (!head_.file_name) return end_text(), false;
  if (!has_begun_ && head_.file_name->empty()) return false;  // A field that was left empty.
  begin_file();
  return spool_ && !spool_->is_in_memory() && spool_->waiting() > 0;
}

void FormReading::end_text() {
  const std::string_view text = text_.view();
  if (is_utf8(text)) return values_.add_text(head_.name, text);
  values_.add_wrong(head_.name, text, words_for(Encoding::no_utf8));
}

/// With its first byte, or its end.
void FormReading::begin_file() {
  if (std::exchange(has_begun_, true)) return;
  if (!is_utf8(*head_.file_name)) refuse_malformed();
  UploadedFile* const file = values_.add_file(head_.name);
  if (!file) return;
  spool_.emplace(*file);
  spool_->name(std::move(*head_.file_name), std::move(head_.content_type));
  head_.file_name.emplace();
}

bool FormReading::add_to_file(std::string_view data) {
  if (limits_.file_bytes - file_bytes_ < data.size()) throw HttpError{413};
  file_bytes_ += data.size();
  begin_file();
  if (!spool_) return false;
  spool_->append(data);
  if (!spool_->is_in_memory()) return spool_->waiting() >= spool_block;
  memory_bytes_ += data.size();
  if (memory_bytes_ <= limits_.memory_bytes) return false;
  if (spool_->waiting() <= std::min(least_spooled, limits_.memory_bytes)) return false;
  memory_bytes_ -= spool_->waiting();
  return true;
}

Task<> flush(FormReading& form) {
  int error = 0;
  OnWorker writing{[&form, &error]() noexcept { error = form.flush(); }};
  co_await writing;
  if (error) throw std::system_error{error, std::generic_category(), "a temporary file"};
}

Task<> read_urlencoded(FormBody& body, FormReading& form) {
  UrlencodedReader reader{form.text_limit()};
  for (bool is_over = false; !is_over;) {
    const std::string_view piece = co_await body.read();
    is_over = piece.empty();
    if (is_over) reader.end();
    reader.feed(piece);
    PairEvent event = reader.next();
    for (; event == PairEvent::pair; event = reader.next()) form.add_pair(reader.name(), reader.value());
    if (event == PairEvent::too_long) throw HttpError{413};
  }
}

/// True: something has to be written.
bool take_event(FormReading& form, const MultipartReader& reader, PartEvent event) {
  switch (event) {
    case PartEvent::more:
    case PartEvent::end:
      return false;
    case PartEvent::head:
      return form.begin_part(reader.head()), false;
    case PartEvent::data:
      return form.add_data(reader.data());
    case PartEvent::part:
      return form.end_part();
    case PartEvent::nameless:
      throw HttpError{400, "The Content-Disposition header field \"name\" must be provided."};
    case PartEvent::wrong:
      break;
  }
  refuse_malformed();
}

Task<> read_multipart(FormBody& body, FormReading& form, std::string boundary) {
  MultipartReader reader{boundary, form.head_limit()};
  for (;;) {
    const std::string_view piece = co_await body.read();
    if (piece.empty()) break;
    reader.feed(piece);
    for (PartEvent event = reader.next(); event != PartEvent::more; event = reader.next()) {
      const bool is_due = take_event(form, reader, event);
      if (is_due) co_await flush(form);
    }
  }
  if (!reader.is_complete()) refuse_malformed();
}

}  // namespace

FormBody::FormBody(Resolver& resolver) noexcept
    : BodyStream(resolver.exchange(), resolver.request()), resolver_(resolver) {}

Task<> FormBody::read_into(const Shape& shape, void* form, const FormLimits& limits) {
  FormReading reading{shape, form, limits};
  const std::optional<std::string_view> type = resolver_.request().headers().get("content-type");
  const std::string media = media_type(type.value_or(""));
  bool is_form = true;
  if (media == "application/x-www-form-urlencoded") {
    co_await read_urlencoded(*this, reading);
  } else if (media == "multipart/form-data") {
    std::optional<std::string> boundary = field_parameter(*type, "boundary");
    if (!boundary) throw HttpError{400, "Missing boundary in multipart."};
    if (!is_boundary(*boundary)) refuse_malformed();
    co_await read_multipart(*this, reading, std::move(*boundary));
  } else {
    const std::string_view first = co_await read();
    is_form = first.empty();  // No body is an empty form.
    if (!is_form && resolver_.on_wrong_type() == OnWrongType::unsupported) throw HttpError{415};
  }
  std::vector<ValidationItem> wrong = is_form ? reading.values().finish() : reading.values().refuse();
  for (ValidationItem& item : wrong) resolver_.report(std::move(item));
}

bool make_form_body(Resolver& resolver, std::uint32_t, void* slot) {
  resolver.limit_body();
  ::new (slot) FormBody{resolver};
  return true;
}

}  // namespace umbel::detail
