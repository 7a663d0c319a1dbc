// SPDX-License-Identifier: MIT
#include "operations.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "routes_of_app.hpp"
#include "umbel/di/body.hpp"
#include "umbel/di/form.hpp"
#include "umbel/di/value_schema.hpp"

namespace umbel::detail {

bool SecurityScheme::operator==(const SecurityScheme& other) const noexcept {
  const auto parts = [](const SecurityInfo& of) { return std::tie(of.kind, of.source, of.name); };
  return info == other.info || parts(*info) == parts(*other.info);
}

namespace {

constexpr TextSchema text_of_a_segment{};
constexpr TextSchema number_of_a_segment{ValueType::signed_number, 8, true};
constexpr ValueSchema segment_schema{&text_of_a_segment, false, false};
constexpr ValueSchema integer_schema{&number_of_a_segment, false, false};

bool can_be_wrong(Source source, const ValueSchema& schema) noexcept {
  if (source == Source::query) return true;  // By its percent-escapes.
  const bool can_be_missing = source != Source::path && schema.is_required();
  return can_be_missing || schema.text->can_be_wrong || !schema.constraints.empty();
}

/// Names of header fields know no case (RFC 9110 section 5.1).
bool is_name(Source source, std::string_view a, std::string_view b) noexcept {
  return source == Source::header ? equal_ignoring_case(a, b) : a == b;
}

void add_once(std::vector<std::string_view>& names, std::string_view name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

/// Walks the whole graph below a route, guards included, and writes down what comes from the client.
class Walk {
public:
  explicit Walk(Operation& operation) noexcept : operation_(operation) {}

  void visit(const NodeInfo& node) {
    if (node.security) return add_security(*node.security);
    if (node.is_shared() || !visited_.emplace(&node, scopes_, is_attempt_).second) return;
    for (std::size_t i = 0; i < node.need_count; ++i) visit_need(node.needs[i]);
  }

private:
  void visit_need(const Need& need) {
    if (need.source == Source::node) return visit_edge(need);
    if (need.value && need.value->body) return add_body(*need.value->body);
    if (need.value && need.value->form) return add_form(*need.value->form->shape);
    if (need.source == Source::body || need.source == Source::body_stream) operation_.takes_bytes = true;
    if (need.value && need.value->schema) add_parameter(*need.value);
  }

  void visit_edge(const Need& need) {
    const bool was_attempt = is_attempt_;
    const std::size_t outside = scopes_.size();
    is_attempt_ |= need.take == Take::attempt;
    for (std::size_t i = 0; i < need.scopes.count; ++i) add_once(scopes_, need.scopes.names[i]);
    visit(*need.node);
    scopes_.resize(outside);
    is_attempt_ = was_attempt;
  }

  void add_body(const BodyModel& body) {
    operation_.can_be_invalid = true;
    const auto is_same = [&](const OperationBody& known) {
      return known.name == body.name.text() && known.shape == body.shape;
    };
    if (std::none_of(operation_.bodies.begin(), operation_.bodies.end(), is_same))
      operation_.bodies.push_back({body.name.text(), body.shape, body.is_required});
  }

  void add_form(const Shape& form) {
    operation_.can_be_invalid = true;
    operation_.form = &form;  // No graph has two.
  }

  void add_parameter(const ValueInfo& value) {
    const ValueSchema& schema = *value.schema;
    operation_.can_be_invalid |= can_be_wrong(value.source, schema);
    const bool is_required = value.source == Source::path || schema.is_required();
    for (OperationParameter& known : operation_.parameters) {
      if (known.source != value.source || !is_name(value.source, known.name, value.name)) continue;
      known.is_required |= is_required;
      return;
    }
    operation_.parameters.push_back({value.source, std::string{value.name}, &schema, is_required});
  }

  void add_security(const SecurityInfo& info) {
    const SecurityScheme scheme{&info};
    const auto found = std::find_if(operation_.security.begin(), operation_.security.end(),
                                    [&](const OperationSecurity& known) { return known.scheme == scheme; });
    const bool is_new = found == operation_.security.end();
    OperationSecurity& security = is_new ? operation_.security.emplace_back() : *found;
    if (is_new) security = {scheme, true, {}};
    security.is_optional &= info.is_optional || is_attempt_;
    for (const std::string_view scope : scopes_) add_once(security.scopes, scope);
  }

  Operation& operation_;
  std::vector<std::string_view> scopes_;  // Asked for on the way here.
  bool is_attempt_ = false;               // What fails here is a value for somebody.
  std::set<std::tuple<const NodeInfo*, std::vector<std::string_view>, bool>> visited_;
};

/// "/items/{item_id:int}" -> "/items/{item_id}"
std::string path_of(const ParsedRoute& route) {
  std::string path;
  for (std::size_t i = 0; i < route.count; ++i) {
    const Segment& segment = route.segments[i];
    const bool is_literal = segment.kind == SegmentKind::literal;
    path.append(is_literal ? "/" : "/{").append(segment.text).append(is_literal ? "" : "}");
  }
  return path;
}

/// Every parameter of the template is told, whether somebody takes it or not.
void add_segments(Operation& operation, const ParsedRoute& route) {
  const auto is_taken = [&](std::string_view name) {
    return std::any_of(operation.parameters.begin(), operation.parameters.end(),
                       [&](const auto& known) { return known.source == Source::path && known.name == name; });
  };
  for (std::size_t i = 0; i < route.count; ++i) {
    const Segment& segment = route.segments[i];
    if (segment.kind == SegmentKind::literal || is_taken(segment.text)) continue;
    const bool is_number = segment.kind == SegmentKind::integer;
    operation.parameters.push_back(
        {Source::path, std::string{segment.text}, is_number ? &integer_schema : &segment_schema, true});
  }
}

/// In each group, the order stays.
void group_by_source(std::vector<OperationParameter>& parameters) {
  std::vector<OperationParameter> grouped;
  for (const Source source : {Source::path, Source::query, Source::header, Source::cookie}) {
    for (const OperationParameter& parameter : parameters) {
      if (parameter.source == source) grouped.push_back(parameter);
    }
  }
  parameters = std::move(grouped);
}

/// `read_item` of `shop::read_item`, or of `make_reader<shop::Item>::read_item`. Empty of what has no name.
std::string_view last_name(std::string_view name) noexcept {
  if (const std::size_t end = name.find('<'); end != 0) name = name.substr(0, end);
  if (const std::size_t colon = name.rfind(':'); colon != std::string_view::npos) name.remove_prefix(colon + 1);
  return name == "handler" || name.starts_with('<') ? std::string_view{} : name;
}

/// "read_item" -> "Read Item"
std::string in_title_case(std::string_view name) {
  std::string title{name};
  std::replace(title.begin(), title.end(), '_', ' ');
  bool is_start = true;
  for (char& c : title) {
    if (is_start && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    is_start = c == ' ';
  }
  return title;
}

/// As FastAPI makes it: read_item of GET /items/{item_id} is read_item_items__item_id__get.
std::string made_id(std::string_view name, const Operation& operation) {
  std::string id = std::string{name} + operation.path;
  for (char& c : id) {
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (!is_plain) c = '_';
  }
  if (name.empty()) id.erase(0, std::min(id.find_first_not_of('_'), id.size()));
  if (!id.empty()) id.push_back('_');
  return id + in_lower_case(to_string(operation.method));
}

std::string title_of(const Operation& operation) {
  return std::string{to_string(operation.method)} + " " + operation.path;
}

Operation operation_of(const PlacedRoute& placed, const ParsedRoute& parsed) {
  const Route& route = *placed.route;
  Operation operation;
  operation.path = path_of(parsed);
  operation.method = route.method;
  Walk walk{operation};
  for (const GuardLayer& layer : placed.placement.guard_layers) {
    for (const NodeInfo* const guard : layer) walk.visit(*guard);
  }
  walk.visit(route.handler.info());
  add_segments(operation, parsed);
  group_by_source(operation.parameters);
  const std::string handler = route.handler.name();
  const std::string_view name = last_name(handler);
  operation.has_own_id = !route.texts.operation_id.empty();
  operation.id = operation.has_own_id ? route.texts.operation_id : made_id(name, operation);
  operation.summary = !route.texts.summary.empty() ? route.texts.summary
                      : name.empty()               ? title_of(operation)
                                                   : in_title_case(name);
  operation.description = route.texts.description;
  for (const std::string_view tag : placed.placement.tags) add_once(operation.tags, tag);
  operation.is_deprecated = placed.placement.is_deprecated;
  if (route.handler.reply_info()) operation.reply = *route.handler.reply_info();
  return operation;
}

/// Made ids give way: read_a_b of /x-y and of /x_y differ by a number.
void make_ids_unique(std::vector<Operation>& operations, std::vector<std::string>& problems) {
  std::set<std::string> taken;
  for (const Operation& operation : operations) {
    if (operation.has_own_id && !taken.insert(operation.id).second)
      problems.push_back(title_of(operation) + ": another route has the operation id \"" + operation.id + "\", too");
  }
  for (Operation& operation : operations) {
    if (operation.has_own_id) continue;
    const std::string id = operation.id;
    for (int number = 2; !taken.insert(operation.id).second; ++number) operation.id = id + "_" + std::to_string(number);
  }
}

/// A method that documents have a place for.
bool can_be_told(const Operation& operation) noexcept {
  return operation.method != Method::connect && operation.method != Method::other;
}

}  // namespace

std::vector<Operation> operations_of(const App& app, std::vector<std::string>& problems) {
  std::vector<std::string> known_already;  // The start tells these.
  // Of {id:int} and {id}, one path in a document, the first.
  std::map<std::pair<std::string, Method>, Operation> by_place;
  for (const PlacedRoute& placed : RoutesOfApp::placed_routes(app, known_already)) {
    const ParsedRoute parsed = parse_route(placed.placement.text);
    if (!placed.placement.is_in_schema || parsed.mistake != RouteMistake::none) continue;
    Operation operation = operation_of(placed, parsed);
    if (!can_be_told(operation)) continue;
    const std::pair place{operation.path, operation.method};
    by_place.emplace(place, std::move(operation));
  }
  std::vector<Operation> operations;
  for (auto& [place, operation] : by_place) operations.push_back(std::move(operation));
  make_ids_unique(operations, problems);
  return operations;
}

}  // namespace umbel::detail
