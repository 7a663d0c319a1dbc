// SPDX-License-Identifier: MIT
#include "umbel/gzip/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "umbel/core/body_source.hpp"
#include "umbel/core/buffer.hpp"
#include "umbel/core/context.hpp"
#include "umbel/core/pulling.hpp"
#include "umbel/core/vary.hpp"

namespace umbel {

namespace {

using std::string_view;

constexpr std::size_t at_once = 16 * 1024;     // Compressed where it is, with a length.
constexpr std::size_t piece_size = 64 * 1024;  // Compressed by one job.
constexpr std::size_t small_piece = 4 * 1024;  // Of a stream: not worth a job.
constexpr std::size_t least_chunk = 1024;      // Unless the source has no more for now.
constexpr std::size_t output_step = 16 * 1024;
constexpr int whole_window = 15;
constexpr int gzip_format = 16;  // Added to the window's size (zlib.h, deflateInit2).

string_view trimmed(string_view text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

string_view take_until(string_view& rest, char separator) noexcept {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const string_view part = trimmed(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

// In thousandths; what is malformed is nothing that we should do.
int weight_of(string_view parameters) noexcept {
  int weight = 1000;
  while (!parameters.empty()) {
    string_view value = take_until(parameters, ';');
    if (!equal_ignoring_case(take_until(value, '='), "q")) continue;
    if (value.empty() || value.size() > 5 || (value[0] != '0' && value[0] != '1')) return 0;
    if (value.size() > 1 && value[1] != '.') return 0;
    weight = (value[0] - '0') * 1000;
    int place = 100;
    for (const char digit : value.substr(std::min<std::size_t>(2, value.size()))) {
      if (digit < '0' || digit > '9') return 0;
      weight += (digit - '0') * place;
      place /= 10;
    }
  }
  return weight <= 1000 ? weight : 0;
}

struct Weights {
  std::optional<int> gzip;
  std::optional<int> identity;
  std::optional<int> others;
};

void read_encodings(string_view list, Weights& weights) noexcept {
  while (!list.empty()) {
    string_view element = take_until(list, ',');
    const string_view coding = take_until(element, ';');
    if (coding.empty()) continue;
    const int weight = weight_of(element);
    if (equal_ignoring_case(coding, "gzip") || equal_ignoring_case(coding, "x-gzip"))
      weights.gzip = std::max(weight, weights.gzip.value_or(0));
    else if (equal_ignoring_case(coding, "identity")) weights.identity = weight;
    else if (coding == "*") weights.others = weight;
  }
}

bool is_compressible(string_view content_type) noexcept {
  const string_view type = take_until(content_type, ';');
  const auto starts = [&](string_view prefix) {
    return type.size() >= prefix.size() && equal_ignoring_case(type.substr(0, prefix.size()), prefix);
  };
  const auto ends = [&](string_view suffix) {
    return type.size() >= suffix.size() && equal_ignoring_case(type.substr(type.size() - suffix.size()), suffix);
  };
  if (equal_ignoring_case(type, "text/event-stream")) return false;
  if (starts("text/") || ends("+json") || ends("+xml")) return true;
  for (const string_view known :
       {"application/json", "application/javascript", "application/xml", "application/wasm", "application/yaml",
        "application/toml", "application/x-ndjson", "application/rtf", "application/vnd.ms-fontobject", "font/ttf",
        "font/otf", "image/bmp", "image/vnd.microsoft.icon"}) {
    if (equal_ignoring_case(type, known)) return true;
  }
  return false;
}

bool says_no_transform(const Response& response) noexcept {
  string_view list = response.header("cache-control").value_or("");
  while (!list.empty()) {
    if (equal_ignoring_case(take_until(list, ','), "no-transform")) return true;
  }
  return false;
}

/// The state of one compression.
class Deflate {
public:
  /// `size`: how much it will be at most, if that is known; less is then taken for it.
  Deflate(int level, std::size_t size) {
    const int window =
        size >= 1u << (whole_window - 1) ? whole_window : std::max(9, static_cast<int>(std::bit_width(size)));
    const int memory = std::clamp(window - 6, 4, 8);
    if (::deflateInit2(&stream_, level, Z_DEFLATED, window + gzip_format, memory, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc{};
  }
  Deflate(const Deflate&) = delete;
  Deflate& operator=(const Deflate&) = delete;
  ~Deflate() { ::deflateEnd(&stream_); }

  /// Appends what comes of it. Nothing has to be kept of `text`.
  void add(string_view text, int flush, Buffer& out) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream_.avail_in = static_cast<uInt>(text.size());
    do {
      char* const room = out.room(output_step);
      stream_.next_out = reinterpret_cast<Bytef*>(room);
      stream_.avail_out = static_cast<uInt>(out.capacity() - out.size());
      const uInt before = stream_.avail_out;
      ::deflate(&stream_, flush);
      out.grew(before - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

private:
  z_stream stream_{};
};

/// A text that is there, in pieces.
class TextBody final : public BodySource {
public:
  explicit TextBody(Buffer&& text) noexcept : text_(std::move(text)) {}
  Pulled pull(Context&, string_view& chunk, Work&) noexcept override {
    chunk = text_.view().substr(given_, piece_size);
    given_ += chunk.size();
    return chunk.empty() ? Pulled::end : Pulled::chunk;
  }
  void drop() noexcept override { delete this; }

private:
  Buffer text_;
  std::size_t given_ = 0;
};

/// Another source's body, compressed. Belongs to itself.
class GzipBody final : public BodySource, Job {
public:
  GzipBody(BodySourcePtr source, int level)
      : Job(execute, come_home), source_(std::move(source)), deflate_(level, piece_size) {}

  Pulled pull(Context& context, string_view& chunk, umbel::Work& ready) noexcept override {
    context_ = &context;
    out_.clear();
    if (has_made_) {
      has_made_ = false;
      std::swap(out_, made_);
    }
    if (out_.empty()) proceed();
    if (!out_.empty()) return chunk = out_.view(), Pulled::chunk;
    if (has_failed_) return Pulled::failed;
    if (has_ended_) return Pulled::end;
    ready_ = &ready;
    return Pulled::pending;
  }

  void drop() noexcept override {
    is_dropped_ = true;
    ready_ = nullptr;
    const bool is_forgotten = source_ && context_ && came_.forget(*context_);
    source_.reset();
    if (is_away_) withdraw();
    if (!is_away_ && !is_forgotten) delete this;
  }

private:
  struct Came : Pulling {
    explicit Came(GzipBody& b) noexcept : Pulling(wake, forgotten), body(b) {}
    GzipBody& body;
  };
  ~GzipBody() = default;

  /// Until there is something to give, to wait for, or nothing left.
  void proceed() noexcept {
    std::size_t absorbed = 0;  // A stream that never waits, and hardly ever makes output, has to be interrupted too.
    while (out_.size() < least_chunk && !is_away_ && !has_ended_ && !has_failed_) {
      if (rest_.empty() && !refill()) return;
      if (has_ended_ || has_failed_) return;
      const string_view piece = rest_.substr(0, piece_size);
      rest_.remove_prefix(piece.size());
      if (piece.size() > small_piece) return send_away(piece);
      absorbed += piece.size();
      has_unflushed_ = absorbed < piece_size;
      add(piece, has_unflushed_ ? Z_NO_FLUSH : Z_SYNC_FLUSH, out_);
      if (!has_unflushed_) return;
    }
  }

  /// False: nothing has come.
  bool refill() noexcept {
    if (came_.is_awaited()) return false;
    switch (came_.pull(*context_, *source_, rest_)) {
      case Pulled::chunk:
        return true;
      case Pulled::pending:
        if (std::exchange(has_unflushed_, false)) add({}, Z_SYNC_FLUSH, out_);
        return false;
      case Pulled::end:
        has_ended_ = true;
        add({}, Z_FINISH, out_);
        return true;
      case Pulled::failed:
        break;
    }
    return has_failed_ = true;
  }

  void send_away(string_view piece) noexcept {
    input_.clear();
    input_.append(piece);  // The source may be dropped meanwhile.
    is_away_ = has_unflushed_ = true;
    set_class(JobClass::normal);
    if (context_->submit(*this)) return;
    set_class(JobClass::cleanup);  // A reply that has begun is not given up since the pool is full.
    context_->submit(*this);
  }

  static void execute(Job& job) noexcept {
    auto& body = static_cast<GzipBody&>(job);
    body.add(body.input_.view(), Z_NO_FLUSH, body.made_);
  }
  static void come_home(Job& job) noexcept {
    auto& body = static_cast<GzipBody&>(job);
    body.is_away_ = false;
    body.has_made_ = true;
    if (!body.is_dropped_) return body.wake();
    if (!body.came_.is_forgotten()) delete &body;
  }
  static void wake(Pulling& pulling) noexcept { static_cast<Came&>(pulling).body.wake(); }
  static void forgotten(Pulling& pulling) noexcept {
    GzipBody& body = static_cast<Came&>(pulling).body;
    if (!body.is_away_) delete &body;
  }
  void wake() noexcept {
    if (ready_) context_->enqueue(*std::exchange(ready_, nullptr));
  }
  void add(string_view text, int flush, Buffer& out) noexcept { deflate_.add(text, flush, out); }

  BodySourcePtr source_;
  Deflate deflate_;
  Context* context_ = nullptr;
  umbel::Work* ready_ = nullptr;  // Of a pull that waits.
  Came came_{*this};
  string_view rest_;  // Of the source's chunk.
  Buffer out_;        // What the transport has.
  Buffer input_;      // Of a job,
  Buffer made_;       // and what comes of it.
  bool has_made_ = false;
  bool is_away_ = false;
  bool is_dropped_ = false;
  bool has_unflushed_ = false;
  bool has_ended_ = false;
  bool has_failed_ = false;
};

/// True if that has made it smaller.
bool compress_at_once(Response& response, int level) {
  Buffer out;
  Deflate{level, response.body().size()}.add(response.body(), Z_FINISH, out);
  if (out.size() >= response.body().size()) return false;
  response.body(std::move(out));
  return true;
}

void compress_in_pieces(Response& response, int level) {
  BodySourcePtr source = response.take_source();
  if (!source) source = BodySourcePtr{new TextBody{response.take_body()}};
  response.body(BodySourcePtr{new GzipBody{std::move(source), level}});
}

void weaken_etag(Response& response) {
  const auto etag = response.header("etag");
  if (etag && !etag->starts_with("W/")) response.header("etag", "W/" + std::string{*etag});
}

// What the 200 would have said (RFC 9110 section 15.4.5): with a strong tag, caches would not find what they have of it
// (RFC 9111 section 4.3.4). Its type is not known here; a weak tag finds what was sent as it is, too.
void mark_not_modified(Response& response, Gzip::Wish wish) {
  add_vary(response, "Accept-Encoding");
  if (wish == Gzip::Wish::compressed) weaken_etag(response);
}

}  // namespace

Gzip::Gzip(const GzipOptions& options) : options_(options) {
  if (options.level < 1 || options.level > 9) throw std::invalid_argument{"umbel: a Gzip's level is between 1 and 9"};
}

Gzip::Wish Gzip::wish_of(const Request& request) noexcept {
  if (request.method() == Method::head) return Wish::plain;
  Weights weights;
  for (const HeaderField& field : request.headers()) {
    if (equal_ignoring_case(field.name, "accept-encoding")) read_encodings(field.value, weights);
  }
  const int gzip = weights.gzip.value_or(weights.others.value_or(0));
  return gzip > 0 && gzip >= weights.identity.value_or(0) ? Wish::compressed : Wish::plain;
}

void Gzip::compress(Response& response, Wish wish) const {
  if (response.status() == 304) return mark_not_modified(response, wish);
  if (!Response::may_have_body(response.status()) || response.status() == 206) return;
  if (response.header("content-encoding") || !is_compressible(response.content_type())) return;
  const auto size =
      response.source() ? response.source()->size() : std::optional<std::uint64_t>{response.body().size()};
  if ((size && *size < options_.minimum_size) || says_no_transform(response)) return;
  add_vary(response, "Accept-Encoding");
  if (wish == Wish::plain) return;
  if (response.source() || response.body().size() > at_once) compress_in_pieces(response, options_.level);
  else if (!compress_at_once(response, options_.level)) return;
  response.header("content-encoding", "gzip");
  weaken_etag(response);
  if (response.header("accept-ranges")) response.header("accept-ranges", "none");
}

}  // namespace umbel
