// SPDX-License-Identifier: MIT
// The floor: the endpoints of the benchmarks by hand on libuv and llhttp, for whoever needs nothing else. It answers
//
//     GET /plaintext           Hello, World!
//     GET /json                {"message":"Hello, World!"}
//     GET /items/42?q=abc      with x-token: fake   {"item_id":42,"q":"abc","user":"alice","n":8}, else 401
//     POST /items              item.json in, {"name":...,"price":...} out, else 422
//     POST /upload             a body of any size, of which nothing is kept; its size out
//
// and 404 to the rest. One write per reply; with --corked, one per batch of pipelined requests. For the open internet
// it lacks timeouts, and the checks that llhttp leaves to its user: Host, folded fields, Transfer-Encoding in HTTP/1.0.
#include <llhttp.h>
#include <simdjson.h>
#include <uv.h>

#include <strings.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using std::size_t;
using std::string_view;
using namespace std::string_view_literals;

constexpr size_t read_size = 64 * 1024;
constexpr size_t max_target = 8 * 1024;
constexpr size_t max_head = 32 * 1024;
constexpr size_t max_body = 1024 * 1024;
constexpr size_t max_unsent = 256 * 1024;
constexpr int backlog = 1024;

/// Bytes on their way out. Keeps its memory from one reply to the next.
class Output {
public:
  string_view view() const { return {bytes_.get(), size_}; }
  size_t size() const { return size_; }
  void clear() { size_ = 0; }

  /// Makes room for `more` bytes behind the last, to be filled by the caller and then taken in by `set_end`.
  char* room(size_t more) {
    if (capacity_ - size_ < more) grow(more);
    return bytes_.get() + size_;
  }
  void set_end(const char* end) { size_ = static_cast<size_t>(end - bytes_.get()); }

private:
  [[gnu::noinline]] void grow(size_t more) {
    const size_t capacity = std::max(2 * capacity_, size_ + more);
    auto bytes = std::make_unique<char[]>(capacity);
    std::memcpy(bytes.get(), bytes_.get(), size_);
    bytes_ = std::move(bytes);
    capacity_ = capacity;
  }

  size_t capacity_ = 4096;
  size_t size_ = 0;
  std::unique_ptr<char[]> bytes_ = std::make_unique<char[]>(capacity_);
};

constexpr size_t longest_number = 32;

[[gnu::always_inline]] inline char* put(char* at, string_view text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

char* put_number(char* at, auto number) { return std::to_chars(at, at + longest_number, number).ptr; }

constexpr auto needs_escape = [] {
  std::array<bool, 256> table{};
  std::fill_n(table.begin(), 0x20, true);
  table['"'] = table['\\'] = true;
  return table;
}();

char* put_escaped(char* at, char c) {
  constexpr string_view digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  *at++ = '\\';
  if (byte < 0x20) at = put(at, "u00"), *at++ = digits[byte >> 4], *at++ = digits[byte & 15];
  else *at++ = c;
  return at;
}

constexpr size_t longest_string(string_view text) { return 6 * text.size() + 2; }

/// A JSON string, quotes included.
char* put_string(char* at, string_view text) {
  *at++ = '"';
  for (const char c : text) {
    if (needs_escape[static_cast<unsigned char>(c)]) [[unlikely]]
      at = put_escaped(at, c);
    else *at++ = c;
  }
  *at++ = '"';
  return at;
}

/// The value of the Date field (RFC 9110, 6.6.1), made anew when the wall clock's second is over.
class Date {
public:
  string_view at(uint64_t loop_ms) {
    if (loop_ms >= stale_at_) refresh(loop_ms);
    return {text_.data(), 29};
  }

private:
  void refresh(uint64_t loop_ms) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    tm utc{};
    gmtime_r(&now.tv_sec, &utc);
    std::strftime(text_.data(), text_.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    stale_at_ = loop_ms + 1000 - static_cast<uint64_t>(now.tv_nsec) / 1'000'000;
  }

  uint64_t stale_at_ = 0;
  std::array<char, 32> text_{};
};

/// A head ends where the length of the content is to be put.
struct Reply {
  string_view head;
  string_view content;
};

constexpr string_view text_head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ";
constexpr string_view json_head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ";
constexpr Reply bad_request{"HTTP/1.1 400 Bad Request\r\nContent-Length: ", ""};
constexpr Reply unauthorized{"HTTP/1.1 401 Unauthorized\r\nContent-Length: ", ""};
constexpr Reply not_found{"HTTP/1.1 404 Not Found\r\nContent-Length: ", ""};
constexpr Reply too_large{"HTTP/1.1 413 Content Too Large\r\nContent-Length: ", ""};
constexpr Reply uri_too_long{"HTTP/1.1 414 URI Too Long\r\nContent-Length: ", ""};
constexpr Reply unprocessable{"HTTP/1.1 422 Unprocessable Content\r\nContent-Length: ", ""};
constexpr Reply head_too_large{"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: ", ""};

namespace json = simdjson::ondemand;

/// What POST /items takes. The strings live until the next body is parsed, in the parser's memory.
struct Item {
  struct Size {
    double width, depth, height;
  };
  struct Variant {
    string_view sku;
    string_view colour;
    int64_t stock;
    double price;
  };

  string_view name;
  string_view description;
  double price;
  bool in_stock;
  Size size;
  std::vector<string_view> tags;
  std::vector<Variant> variants;
};

struct Server {
  uv_loop_t loop;
  uv_tcp_t listener;
  uv_signal_t terminate;
  bool corked = false;
  llhttp_settings_t settings;
  Date date;
  Output out;      // Replies that were not written yet; empty between two reads.
  Output content;  // The body of the reply that is being made.
  json::parser parser;
  Item item;                          // The last that was parsed; kept for the memory of its lists.
  std::array<char, read_size> input;  // Every read is parsed before the next, so one will do.
};

struct Connection {
  uv_tcp_t tcp;
  uv_shutdown_t shutdown;
  llhttp_t parser;
  Server* server;
  std::string target;
  std::string token;
  std::string body;
  std::array<char, 8> field;  // The field's name, if it is short enough to matter.
  size_t field_size = 0;      // The name's whole length so far.
  size_t head_size = 0;
  uint64_t uploaded = 0;
  bool in_upload = false;               // The body is only counted.
  bool in_token = false;                // The value that comes is x-token's.
  bool closing = false;                 // Nothing is answered any more; input is thrown away until the peer closes.
  bool ended = false;                   // The peer has closed its side.
  const Reply* refusal = &bad_request;  // What explains why the parser stops, if it does.
};

Connection& connection_of(llhttp_t* parser) { return *static_cast<Connection*>(parser->data); }
uv_stream_t* stream_of(Connection& c) { return reinterpret_cast<uv_stream_t*>(&c.tcp); }

// Writing.

/// What uv_try_write could not take.
struct Leftover {
  uv_write_t request;
  Connection* connection;
  std::string bytes;
};

void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer);
void on_input_wanted(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer);

void close_now(Connection& c) {
  c.closing = true;
  auto* const handle = reinterpret_cast<uv_handle_t*>(&c.tcp);
  if (!uv_is_closing(handle)) uv_close(handle, [](uv_handle_t* h) { delete static_cast<Connection*>(h->data); });
}

void on_leftover_written(uv_write_t* request, int status) {
  const std::unique_ptr<Leftover> written(static_cast<Leftover*>(request->data));
  Connection& c = *written->connection;
  if (status < 0) return close_now(c);
  if (uv_stream_get_write_queue_size(stream_of(c)) == 0) uv_read_start(stream_of(c), on_input_wanted, on_read);
}

void write_later(Connection& c, string_view bytes) {
  auto leftover = std::make_unique<Leftover>(Leftover{{}, &c, std::string(bytes)});
  leftover->request.data = leftover.get();
  const uv_buf_t buffer{leftover->bytes.data(), leftover->bytes.size()};
  if (uv_write(&leftover->request, stream_of(c), &buffer, 1, on_leftover_written) < 0) return close_now(c);
  leftover.release();  // on_leftover_written has it.
  if (uv_stream_get_write_queue_size(stream_of(c)) > max_unsent) uv_read_stop(stream_of(c));
}

void flush(Connection& c) {
  Output& out = c.server->out;
  const uv_buf_t buffer{const_cast<char*>(out.view().data()), out.size()};
  const int result = uv_try_write(stream_of(c), &buffer, 1);
  const size_t written = result > 0 ? static_cast<size_t>(result) : 0;
  if (result < 0 && result != UV_EAGAIN) close_now(c);
  else if (written < out.size()) write_later(c, out.view().substr(written));
  out.clear();
}

/// Half-closes, so that the peer can read the last reply before it sees the end.
void close_after_reply(Connection& c) {
  if (c.closing) return;
  c.closing = true;
  uv_shutdown(&c.shutdown, stream_of(c), [](uv_shutdown_t* request, int status) {
    Connection& closed = *static_cast<Connection*>(request->handle->data);
    if (status < 0 || closed.ended) close_now(closed);
  });
}

// Replies.

string_view connection_field(const Connection& c, bool keep_alive) {
  if (!keep_alive) return "\r\nConnection: close\r\n\r\n";
  return c.parser.http_minor == 0 ? "\r\nConnection: keep-alive\r\n\r\n" : "\r\n\r\n";
}

void send(Connection& c, const Reply& reply, bool keep_alive) {
  constexpr size_t longest_rest = 128;
  Output& out = c.server->out;
  char* at = out.room(reply.head.size() + longest_rest + reply.content.size());
  at = put(at, reply.head);
  at = put_number(at, reply.content.size());
  at = put(at, "\r\nDate: ");
  at = put(at, c.server->date.at(uv_now(&c.server->loop)));
  at = put(at, connection_field(c, keep_alive));
  out.set_end(put(at, reply.content));
  if (!c.server->corked || !keep_alive) flush(c);
}

/// A refused request is the connection's last: what follows it cannot be told apart from it.
void refuse(Connection& c, const Reply& reply) {
  if (c.closing) return;
  send(c, reply, false);
  close_after_reply(c);
}

// The endpoints. What is not constant is put into server.content.

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string percent_decoded(string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low >= 0) i += 2;
    decoded.push_back(low >= 0 ? static_cast<char>(16 * high + low) : text[i] == '+' ? ' ' : text[i]);
  }
  return decoded;
}

/// The value of the query's first `q=`, undecoded.
std::optional<string_view> find_q(string_view query) {
  while (!query.empty()) {
    const string_view pair = query.substr(0, query.find('&'));
    if (pair.starts_with("q=")) return pair.substr(2);
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
  }
  return std::nullopt;
}

bool is_encoded(string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c == '%' || c == '+'; });
}

char* put_q(char* at, const std::optional<string_view>& q) {
  if (!q) return put(at, "null");
  return is_encoded(*q) ? put_string(at, percent_decoded(*q)) : put_string(at, *q);
}

std::optional<int> whole_int(string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<string_view> user_of(string_view token) {
  if (token != "fake") return std::nullopt;
  return "alice";
}

/// What the other servers spread over a graph of 8 nodes, each of which takes the one before.
template <int nodes>
int count_up(int before) {
  if constexpr (nodes == 0) return before;
  else return count_up<nodes - 1>(before + 1);
}

Reply show_item(Connection& c, string_view id, string_view query) {
  const auto item_id = whole_int(id);
  if (!item_id) return not_found;
  const auto user = user_of(c.token);
  if (!user) return unauthorized;
  constexpr size_t longest_rest = 128;
  char* at = c.server->content.room(longest_string(query) + longest_string(*user) + longest_rest);
  at = put(at, "{\"item_id\":");
  at = put_number(at, *item_id);
  at = put(at, ",\"q\":");
  at = put_q(at, find_q(query));
  at = put(at, ",\"user\":");
  at = put_string(at, *user);
  at = put(at, ",\"n\":");
  at = put_number(at, count_up<8>(0));
  c.server->content.set_end(put(at, "}"));
  return {json_head, c.server->content.view()};
}

bool read(json::value text, string_view& into) { return !text.get(into); }

bool read(json::value object, Item::Size& size) {
  return !(object["width"sv].get(size.width) || object["depth"sv].get(size.depth) ||
           object["height"sv].get(size.height));
}

bool read(json::value object, Item::Variant& variant) {
  return !(object["sku"sv].get(variant.sku) || object["colour"sv].get(variant.colour) ||
           object["stock"sv].get(variant.stock) || object["price"sv].get(variant.price));
}

template <class Element>
bool read(json::value list, std::vector<Element>& into) {
  json::array array;
  if (list.get(array)) return false;
  into.clear();
  for (auto element : array) {
    json::value value;
    if (element.get(value) || !read(value, into.emplace_back())) return false;
  }
  return true;
}

template <class Part>
bool read_member(json::document& object, string_view name, Part& part) {
  json::value value;
  return !object[name].get(value) && read(value, part);
}

bool read(json::document& object, Item& item) {
  if (object["name"sv].get(item.name) || object["description"sv].get(item.description) ||
      object["price"sv].get(item.price) || object["in_stock"sv].get(item.in_stock))
    return false;
  return read_member(object, "size", item.size) && read_member(object, "tags", item.tags) &&
         read_member(object, "variants", item.variants);
}

bool parse(json::parser& parser, std::string& body, Item& item) {
  body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  json::document document;
  return !parser.iterate(body).get(document) && read(document, item);
}

Reply create_item(Connection& c) {
  Item& item = c.server->item;
  if (!parse(c.server->parser, c.body, item)) return unprocessable;
  constexpr size_t longest_rest = 64;
  char* at = c.server->content.room(longest_string(item.name) + longest_rest);
  at = put(at, "{\"name\":");
  at = put_string(at, item.name);
  at = put(at, ",\"price\":");
  at = put_number(at, item.price);
  c.server->content.set_end(put(at, "}"));
  return {json_head, c.server->content.view()};
}

Reply show_size(Connection& c) {
  char* const at = c.server->content.room(longest_number);
  c.server->content.set_end(put_number(at, c.uploaded));
  return {text_head, c.server->content.view()};
}

Reply get(Connection& c, string_view path, string_view query) {
  if (path == "/plaintext") return {text_head, "Hello, World!"};
  if (path == "/json") return {json_head, "{\"message\":\"Hello, World!\"}"};
  if (path.starts_with("/items/")) return show_item(c, path.substr(7), query);
  return not_found;
}

/// Every status but 200 has no content, so that HEAD, which is not served, is answered right too.
Reply route(Connection& c) {
  const string_view target = c.target;
  const string_view path = target.substr(0, target.find('?'));
  const string_view query = target.substr(std::min(path.size() + 1, target.size()));
  if (c.parser.method == HTTP_GET) return get(c, path, query);
  if (c.parser.method == HTTP_POST && path == "/items") return create_item(c);
  if (c.in_upload) return show_size(c);
  return not_found;
}

// Parsing. Whatever arrives may have been cut anywhere, so that spans are gathered, never kept.

int give_up(Connection& c, const Reply& refusal) {
  c.refusal = &refusal;
  return HPE_USER;
}

int on_message_begin(llhttp_t* parser) {
  Connection& c = connection_of(parser);
  c.target.clear();
  c.token.clear();
  c.body.clear();
  c.field_size = c.head_size = 0;
  return 0;
}

int on_url(llhttp_t* parser, const char* at, size_t size) {
  Connection& c = connection_of(parser);
  if (c.target.size() + size > max_target) return give_up(c, uri_too_long);
  c.target.append(at, size);
  return 0;
}

int on_header_field(llhttp_t* parser, const char* at, size_t size) {
  Connection& c = connection_of(parser);
  if (c.field_size + size <= c.field.size()) std::memcpy(c.field.data() + c.field_size, at, size);
  c.field_size += size;
  c.head_size += size;
  return c.head_size > max_head ? give_up(c, head_too_large) : 0;
}

int on_header_field_complete(llhttp_t* parser) {
  constexpr string_view name = "x-token";
  Connection& c = connection_of(parser);
  c.in_token = c.field_size == name.size() && strncasecmp(c.field.data(), name.data(), name.size()) == 0;
  if (c.in_token) c.token.clear();
  c.field_size = 0;
  return 0;
}

int on_header_value(llhttp_t* parser, const char* at, size_t size) {
  Connection& c = connection_of(parser);
  if (c.in_token) c.token.append(at, size);
  c.head_size += size;
  return c.head_size > max_head ? give_up(c, head_too_large) : 0;
}

int on_headers_complete(llhttp_t* parser) {
  Connection& c = connection_of(parser);
  parser->upgrade = 0;  // Refused by ignoring it.
  c.in_upload = parser->method == HTTP_POST && c.target == "/upload";
  c.uploaded = 0;
  if (c.in_upload) return 0;
  if (parser->content_length > max_body) return give_up(c, too_large);
  if (parser->content_length > 0) c.body.reserve(parser->content_length + simdjson::SIMDJSON_PADDING);
  return 0;
}

int on_body(llhttp_t* parser, const char* at, size_t size) {
  Connection& c = connection_of(parser);
  if (c.in_upload) return c.uploaded += size, 0;
  if (c.body.size() + size > max_body) return give_up(c, too_large);
  c.body.append(at, size);
  return 0;
}

int on_message_complete(llhttp_t* parser) {
  Connection& c = connection_of(parser);
  if (c.closing) return HPE_USER;
  const bool keep_alive = llhttp_should_keep_alive(parser);
  c.server->content.clear();
  send(c, route(c), keep_alive);
  if (!keep_alive) close_after_reply(c);
  return 0;
}

llhttp_settings_t make_settings() {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_message_begin = on_message_begin;
  settings.on_url = on_url;
  settings.on_header_field = on_header_field;
  settings.on_header_field_complete = on_header_field_complete;
  settings.on_header_value = on_header_value;
  settings.on_headers_complete = on_headers_complete;
  settings.on_body = on_body;
  settings.on_message_complete = on_message_complete;
  return settings;
}

// The loop.

void on_input_wanted(uv_handle_t* handle, size_t, uv_buf_t* buffer) {
  auto& input = static_cast<Connection*>(handle->data)->server->input;
  *buffer = {input.data(), input.size()};
}

/// A peer that only half-closed still gets the replies that it waits for.
void on_end(Connection& c, ssize_t error) {
  c.ended = true;
  if (error != UV_EOF || uv_stream_get_write_queue_size(stream_of(c)) == 0) close_now(c);
  else close_after_reply(c);
}

void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
  Connection& c = *static_cast<Connection*>(stream->data);
  if (size < 0) return on_end(c, size);
  if (c.closing || size == 0) return;
  const auto error = llhttp_execute(&c.parser, buffer->base, static_cast<size_t>(size));
  if (error != HPE_OK) refuse(c, *c.refusal);
  else if (c.server->out.size() > 0) flush(c);
}

void on_connection(uv_stream_t* listener, int status) {
  if (status < 0) return;
  auto* const server = static_cast<Server*>(listener->data);
  auto* const c = new Connection;
  c->server = server;
  c->tcp.data = c;
  uv_tcp_init(&server->loop, &c->tcp);
  llhttp_init(&c->parser, HTTP_REQUEST, &server->settings);
  c->parser.data = c;
  if (uv_accept(listener, stream_of(*c)) < 0) return close_now(*c);
  uv_tcp_nodelay(&c->tcp, 1);
  uv_read_start(stream_of(*c), on_input_wanted, on_read);
}

void close_any(uv_handle_t* handle, void* server) {
  if (uv_is_closing(handle)) return;
  if (handle->type == UV_TCP && handle->data != server) close_now(*static_cast<Connection*>(handle->data));
  else uv_close(handle, nullptr);
}

void require(int result, const char* what) {
  if (result >= 0) return;
  std::fprintf(stderr, "http1_floor: %s: %s\n", what, uv_strerror(result));
  std::exit(1);
}

int bound_port(const uv_tcp_t& listener) {
  sockaddr_in address{};
  int size = sizeof address;
  require(uv_tcp_getsockname(&listener, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return ntohs(address.sin_port);
}

void listen_on(Server& server, int port) {
  sockaddr_in address{};
  uv_ip4_addr("127.0.0.1", port, &address);
  uv_tcp_init(&server.loop, &server.listener);
  server.listener.data = &server;
  require(uv_tcp_bind(&server.listener, reinterpret_cast<sockaddr*>(&address), 0), "bind");
  require(uv_listen(reinterpret_cast<uv_stream_t*>(&server.listener), backlog, on_connection), "listen");
  std::printf("listening on 127.0.0.1:%d\n", bound_port(server.listener));
  std::fflush(stdout);
}

void close_on_sigterm(Server& server) {
  uv_signal_init(&server.loop, &server.terminate);
  server.terminate.data = &server;
  uv_signal_start(
      &server.terminate, [](uv_signal_t* signal, int) { uv_walk(signal->loop, close_any, signal->data); }, SIGTERM);
}

void run(int port, bool corked) {
  const auto server = std::make_unique<Server>();
  server->corked = corked;
  server->settings = make_settings();
  require(uv_loop_init(&server->loop), "loop");
  close_on_sigterm(*server);
  listen_on(*server, port);
  uv_run(&server->loop, UV_RUN_DEFAULT);
  uv_loop_close(&server->loop);
}

}  // namespace

int main(int argc, char** argv) {
  int port = 0;
  bool corked = false;
  for (int i = 1; i < argc; ++i) {
    const string_view option = argv[i];
    if (option == "--corked") corked = true;
    else if (option == "--port" && i + 1 < argc) port = std::atoi(argv[++i]);
    else return std::fprintf(stderr, "usage: http1_floor [--port N] [--corked]\n"), 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  run(port, corked);
}
