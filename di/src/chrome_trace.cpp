// SPDX-License-Identifier: MIT
// The format: "Trace Event Format", Google, 2016. `ts` and `dur` are microseconds; what is in one row must nest.
#include "umbel/di/chrome_trace.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <mutex>
#include <string_view>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "umbel/json/json_writer.hpp"

namespace umbel {

namespace {

// Microseconds with three digits behind the point.
void append_microseconds(std::string& out, Duration duration) {
  const auto count = std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
  const std::string fraction = std::to_string(count % 1000);
  out.append(std::to_string(count / 1000)).append(".").append(3 - fraction.size(), '0').append(fraction);
}

// As a JSON string. What is no UTF-8 is shown as far as it is ASCII.
void append_text(std::string& out, std::string_view text) {
  try {
    JsonWriter json;
    json.value(text);
    const Buffer quoted = std::move(json).take();
    out.append(quoted.view());
  } catch (const JsonError&) {
    std::string printable{text};
    std::replace_if(printable.begin(), printable.end(), [](char c) { return static_cast<signed char>(c) < 0; }, '?');
    append_text(out, printable);
  }
}

// `"name":"text"` and the like, a comma between.
class Arguments {
public:
  Arguments& text(std::string_view name, std::string_view value) {
    append_text(key(name), value);
    return *this;
  }
  Arguments& number(std::string_view name, std::uint64_t value) {
    key(name).append(std::to_string(value));
    return *this;
  }
  Arguments& microseconds(std::string_view name, Duration value) {
    append_microseconds(key(name), value);
    return *this;
  }
  std::string_view view() const noexcept { return text_; }

private:
  std::string& key(std::string_view name) {
    if (!text_.empty()) text_ += ',';
    return text_.append("\"").append(name).append("\":");
  }
  std::string text_;
};

constexpr unsigned work_queue_process = 1;  // Contexts follow. Perfetto takes 0 for the kernel's.
constexpr unsigned most_rows = 100'000;     // In a process, for the numbers only.

struct Row {
  unsigned process;
  unsigned number;

  unsigned id() const noexcept { return process * most_rows + number; }
};

/// The rows of a Context. One that was given back is used again: the topmost first.
class Rows {
public:
  unsigned take() {
    const auto free = std::find(taken_.begin(), taken_.end(), false);
    const auto number = static_cast<unsigned>(free - taken_.begin());
    if (free == taken_.end()) taken_.push_back(true);
    else *free = true;
    return number;
  }
  void give_back(unsigned number) noexcept { taken_[number] = false; }
  std::size_t size() const noexcept { return taken_.size(); }

private:
  std::vector<bool> taken_;
};

/// A Context, known by its thread.
struct Process {
  std::thread::id thread;
  unsigned number;
  Rows rows;
};

/// A node, or its tear-down, that has begun.
struct Span {
  std::size_t node;
  std::string name;
  bool is_closing;
  bool on_worker;
  Time requested;
  Time begin;
  Row row;
};

struct InFlight {
  std::string title;
  std::string method, target;
  Process* process;
  Row row;
  Time begin;
  bool row_is_taken = false;  // By one of the spans.
  int status = 0;             // 0: not answered.
  std::vector<Span> spans;
};

}  // namespace

class ChromeTrace::Writer {
public:
  Writer(const std::string& path, const Options& options) : options_(options), file_(std::fopen(path.c_str(), "wb")) {
    if (!file_) throw std::system_error{errno, std::generic_category(), "umbel: " + path};
    std::setvbuf(file_, nullptr, _IONBF, 0);
    text_ = "[\n";
    name_process(work_queue_process, "work queue");
  }
  ~Writer() {
    if (file_) std::fclose(file_);
  }

  void close();
  std::size_t left_out() const noexcept {
    const std::lock_guard lock{mutex_};
    return left_out_;
  }
  Duration blocked_after() const noexcept { return options_.blocked_after; }

  void start(const RequestEvent& event);
  void node(const NodeEvent& event);
  void reply(const ReplyEvent& event);
  void end(const void* id, Time time);
  void blocked(const BlockedEvent& event);

private:
  InFlight* find(const void* id, Time time);
  Process& process_of_this_thread();
  Row take_row(Process& process);
  Row worker_row(Time begin, Time end);
  void begin_span(InFlight& request, const NodeEvent& event, bool is_closing);
  void end_span(InFlight& request, const NodeEvent& event, bool is_closing, std::string_view outcome);
  void draw(InFlight& request, const Span& span, Time end, Arguments arguments);
  void draw_hop(const InFlight& request, const Span& span);
  void draw_request(const InFlight& request, Time end, std::string_view outcome);

  std::string& event(std::string_view phase, Row row, Time time, std::string_view name);
  void finish_event(const Arguments& arguments);
  void complete(Row row, Time begin, Time end, std::string_view name, const Arguments& arguments);
  void instant(Row row, Time time, std::string_view name, const Arguments& arguments);
  void arrow(std::string_view phase, Row row, Time time, std::uint64_t flow, std::string_view name);
  void name_process(unsigned process, std::string_view name);
  void name_row(Row row, std::string_view name);
  void flush();

  const Options options_;
  mutable std::mutex mutex_;
  std::FILE* file_;   // Null when it is closed.
  std::string text_;  // Not yet written.
  std::size_t written_ = 0;
  int error_ = 0;  // The first errno, if anything could not be written.
  bool has_events_ = false;
  std::size_t left_out_ = 0;
  std::uint64_t last_flow_ = 0;
  Time latest_{};
  std::deque<Process> processes_;  // They stay where they are.
  std::vector<Time> worker_rows_;  // Until when each is in use.
  std::unordered_map<const void*, InFlight> requests_;
};

// --- what is heard

void ChromeTrace::Writer::start(const RequestEvent& event) {
  const std::lock_guard lock{mutex_};
  if (!file_) return;
  if (written_ + text_.size() >= options_.most) return static_cast<void>(++left_out_);
  Process& process = process_of_this_thread();
  InFlight& request = requests_[event.id];
  request.title = event.route.empty() ? "no route" : event.route;
  request.method = to_string(event.request.method());
  request.target = event.request.target();
  request.process = &process;
  request.row = take_row(process);
  request.begin = event.time;
  latest_ = std::max(latest_, event.time);
}

void ChromeTrace::Writer::node(const NodeEvent& event) {
  const std::lock_guard lock{mutex_};
  InFlight* const request = find(event.id, event.time);
  if (!request) return;
  switch (event.moment) {
    case Moment::requested:
      return begin_span(*request, event, false);
    case Moment::started:
      for (Span& span : request->spans) {
        if (span.node == event.number && !span.is_closing) span.begin = event.time;
      }
      return;
    case Moment::suspended:
      return;
    case Moment::finished:
      return end_span(*request, event, false, "ok");
    case Moment::failed:
      return end_span(*request, event, false, "error");
    case Moment::cancelled:
      return end_span(*request, event, false, "cancelled");
    case Moment::closing:
      return begin_span(*request, event, true);
    case Moment::closed:
      return end_span(*request, event, true, event.error ? "error" : "ok");
  }
}

void ChromeTrace::Writer::reply(const ReplyEvent& event) {
  const std::lock_guard lock{mutex_};
  InFlight* const request = find(event.id, event.time);
  if (!request) return;
  request->status = event.status;
  Arguments arguments;
  arguments.number("status", static_cast<std::uint64_t>(event.status)).number("bytes", event.body_bytes);
  complete(request->row, event.time, event.time, "reply", arguments);
  const std::uint64_t flow = ++last_flow_;
  arrow("s", request->row, request->begin, flow, "reply");
  arrow("f", request->row, event.time, flow, "reply");
}

void ChromeTrace::Writer::end(const void* id, Time time) {
  const std::lock_guard lock{mutex_};
  InFlight* const request = find(id, time);
  if (!request) return;
  draw_request(*request, time, "ended");
  request->process->rows.give_back(request->row.number);
  requests_.erase(id);
}

void ChromeTrace::Writer::blocked(const BlockedEvent& event) {
  const std::lock_guard lock{mutex_};
  const InFlight* const request = find(event.id, event.time);
  if (!request) return;
  Arguments arguments;
  arguments.text("node", event.node).microseconds("microseconds", event.duration);
  instant(request->row, event.time, "the loop was blocked", arguments);
}

void ChromeTrace::Writer::close() {
  const std::lock_guard lock{mutex_};
  if (!file_) return;
  for (auto& [id, request] : requests_) {
    for (const Span& span : request.spans) {
      if (!span.on_worker) draw(request, span, latest_, Arguments{}.text("outcome", "unfinished"));
    }
    draw_request(request, latest_, "unfinished");
  }
  requests_.clear();
  text_ += "\n]\n";
  flush();
  if (std::fclose(std::exchange(file_, nullptr)) != 0 && error_ == 0) error_ = errno;
  if (error_) throw std::system_error{error_, std::generic_category(), "umbel: the trace is not complete"};
}

// --- what is drawn

/// Null if it was left out.
InFlight* ChromeTrace::Writer::find(const void* id, Time time) {
  const auto found = requests_.find(id);
  if (found == requests_.end()) return nullptr;
  latest_ = std::max(latest_, time);
  return &found->second;
}

Process& ChromeTrace::Writer::process_of_this_thread() {
  const std::thread::id thread = std::this_thread::get_id();
  for (Process& process : processes_) {
    if (process.thread == thread) return process;
  }
  const auto count = static_cast<unsigned>(processes_.size()) + 1;
  name_process(work_queue_process + count, "Context " + std::to_string(count));
  return processes_.emplace_back(Process{thread, work_queue_process + count, {}});
}

Row ChromeTrace::Writer::take_row(Process& process) {
  const std::size_t before = process.rows.size();
  const Row row{process.number, process.rows.take()};
  if (process.rows.size() > before) name_row(row, "requests");
  return row;
}

/// Workers are not known by name: a row is whatever ran in turn.
Row ChromeTrace::Writer::worker_row(Time begin, Time end) {
  const auto free = std::find_if(worker_rows_.begin(), worker_rows_.end(), [&](Time until) { return until <= begin; });
  const Row row{work_queue_process, static_cast<unsigned>(free - worker_rows_.begin())};
  if (free == worker_rows_.end()) {
    worker_rows_.push_back(end);
    name_row(row, "worker");
  } else {
    *free = end;
  }
  return row;
}

/// In the request's own row, if that is free.
void ChromeTrace::Writer::begin_span(InFlight& request, const NodeEvent& event, bool is_closing) {
  const bool on_worker = event.on_worker && !is_closing;
  Row row = request.row;
  if (!on_worker && std::exchange(request.row_is_taken, true)) row = take_row(*request.process);
  request.spans.push_back(
      Span{event.number, std::string{event.node}, is_closing, on_worker, event.time, event.time, row});
}

void ChromeTrace::Writer::end_span(InFlight& request, const NodeEvent& event, bool is_closing,
                                   std::string_view outcome) {
  const auto span = std::find_if(request.spans.begin(), request.spans.end(), [&](const Span& one) {
    return one.node == event.number && one.is_closing == is_closing;
  });
  if (span == request.spans.end()) return;
  Arguments arguments;
  arguments.text("outcome", outcome);
  if (event.error) arguments.text("message", event.error->message());
  draw(request, *span, event.time, std::move(arguments));
  if (span->row.number != request.row.number) request.process->rows.give_back(span->row.number);
  else if (!span->on_worker) request.row_is_taken = false;
  request.spans.erase(span);
}

void ChromeTrace::Writer::draw(InFlight& request, const Span& span, Time end, Arguments arguments) {
  arguments.text("route", request.title).number("number", span.node);
  const std::string name = span.is_closing ? "tear down " + span.name : span.name;
  if (!span.on_worker) return complete(span.row, span.begin, end, name, arguments);
  arguments.microseconds("waited_us", span.begin - span.requested);
  Span there = span;
  there.row = worker_row(span.begin, end);
  complete(there.row, span.begin, end, name, arguments);
  draw_hop(request, there);
}

void ChromeTrace::Writer::draw_hop(const InFlight& request, const Span& span) {
  const std::uint64_t flow = ++last_flow_;
  arrow("s", request.row, span.requested, flow, "hop");
  arrow("f", span.row, span.begin, flow, "hop");
}

void ChromeTrace::Writer::draw_request(const InFlight& request, Time end, std::string_view outcome) {
  Arguments arguments;
  arguments.text("method", request.method).text("target", request.target).text("outcome", outcome);
  if (request.status) arguments.number("status", static_cast<std::uint64_t>(request.status));
  complete(request.row, request.begin, end, request.title, arguments);
}

// --- what is written

/// Everything that all events have; more may be appended before finish_event.
std::string& ChromeTrace::Writer::event(std::string_view phase, Row row, Time time, std::string_view name) {
  text_.append(std::exchange(has_events_, true) ? ",\n" : "").append("{\"name\":");
  append_text(text_, name);
  text_.append(",\"cat\":\"umbel\",\"ph\":\"").append(phase);
  text_.append("\",\"pid\":").append(std::to_string(row.process));
  text_.append(",\"tid\":").append(std::to_string(row.id())).append(",\"ts\":");
  append_microseconds(text_, time.time_since_epoch());
  return text_;
}

void ChromeTrace::Writer::finish_event(const Arguments& arguments) {
  if (!arguments.view().empty()) text_.append(",\"args\":{").append(arguments.view()).append("}");
  text_ += '}';
  if (text_.size() >= options_.buffer) flush();
}

void ChromeTrace::Writer::complete(Row row, Time begin, Time end, std::string_view name, const Arguments& arguments) {
  append_microseconds(event("X", row, begin, name).append(",\"dur\":"), std::max(end, begin) - begin);
  finish_event(arguments);
}

void ChromeTrace::Writer::instant(Row row, Time time, std::string_view name, const Arguments& arguments) {
  event("i", row, time, name).append(",\"s\":\"t\"");
  finish_event(arguments);
}

void ChromeTrace::Writer::arrow(std::string_view phase, Row row, Time time, std::uint64_t flow, std::string_view name) {
  event(phase, row, time, name).append(",\"id\":").append(std::to_string(flow));
  if (phase == "f") text_.append(",\"bp\":\"e\"");
  finish_event({});
}

void ChromeTrace::Writer::name_process(unsigned process, std::string_view name) {
  event("M", Row{process, 0}, Time{}, "process_name");
  Arguments arguments;
  finish_event(arguments.text("name", name));
}

void ChromeTrace::Writer::name_row(Row row, std::string_view name) {
  event("M", row, Time{}, "thread_name");
  Arguments arguments;
  finish_event(arguments.text("name", name));
}

void ChromeTrace::Writer::flush() {
  if (std::fwrite(text_.data(), 1, text_.size(), file_) < text_.size() && error_ == 0) error_ = errno;
  written_ += text_.size();
  text_.clear();
}

// --- the observer

ChromeTrace::ChromeTrace(const std::string& path, Options options) : writer_(std::make_unique<Writer>(path, options)) {}

ChromeTrace::~ChromeTrace() {
  try {
    close();
  } catch (const std::system_error&) {
    return;  // `close` would have told.
  }
}

void ChromeTrace::close() { writer_->close(); }
std::size_t ChromeTrace::left_out() const noexcept { return writer_->left_out(); }
void ChromeTrace::request_started(const RequestEvent& event) noexcept { writer_->start(event); }
void ChromeTrace::node(const NodeEvent& event) noexcept { writer_->node(event); }
void ChromeTrace::replied(const ReplyEvent& event) noexcept { writer_->reply(event); }
void ChromeTrace::request_ended(const void* id, Time time) noexcept { writer_->end(id, time); }
Duration ChromeTrace::blocked_after() const noexcept { return writer_->blocked_after(); }
void ChromeTrace::loop_blocked(const BlockedEvent& event) noexcept { writer_->blocked(event); }

}  // namespace umbel
