// SPDX-License-Identifier: MIT
#include "umbel/di/body.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "run_state.hpp"
#include "umbel/di/plan.hpp"

namespace umbel::detail {

namespace {

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// RFC 9110 section 5.6.4, as far as a charset goes: none that is known has an escape in it.
std::string_view unquoted(std::string_view text) noexcept {
  const bool is_quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return is_quoted ? text.substr(1, text.size() - 2) : text;
}

bool is_json(std::string_view type) noexcept {
  constexpr std::string_view application = "application/";
  if (!equal_ignoring_case(type.substr(0, application.size()), application)) return false;
  const std::string_view subtype = type.substr(application.size());
  if (equal_ignoring_case(subtype, "json")) return true;
  return subtype.size() > 5 && equal_ignoring_case(subtype.substr(subtype.size() - 5), "+json");
}

// RFC 8259 section 8.1: it is UTF-8. Who says that it is something else means something else.
bool is_utf_8(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    const std::string_view one = parameters.substr(0, parameters.find(';'));
    parameters.remove_prefix(std::min(parameters.size(), one.size() + 1));
    const std::size_t equals = one.find('=');
    if (equals == std::string_view::npos || !equal_ignoring_case(trimmed(one.substr(0, equals)), "charset")) continue;
    const std::string_view charset = unquoted(trimmed(one.substr(equals + 1)));
    if (!equal_ignoring_case(charset, "utf-8") && !equal_ignoring_case(charset, "us-ascii")) return false;
  }
  return true;
}

bool says_json(const Request& request) noexcept {
  const std::string_view type = request.header("content-type").value_or("");
  if (type == "application/json") [[likely]]
    return true;
  const std::size_t end = std::min(type.find(';'), type.size());
  return is_json(trimmed(type.substr(0, end))) && is_utf_8(type.substr(std::min(end + 1, type.size())));
}

ModelErrors read(const Request& request, const BodyModel& model, const Shape& shape, void* into, Arena& texts) {
  if (request.body_is_padded()) return model.read(PaddedText{request.body()}, {}, shape, into, &texts);
  return model.read_copy(request.body(), {}, shape, into, &texts);
}

ValidationItem item_of(ModelError&& error) {
  ValidationItem item{std::move(error.type), {"body"}, std::move(error.message)};
  item.loc.insert(item.loc.end(), std::make_move_iterator(error.loc.begin()), std::make_move_iterator(error.loc.end()));
  item.input = std::move(error.input);
  item.ctx = std::move(error.ctx);
  return item;
}

bool is_malformed(const ModelErrors& errors) noexcept { return errors.size() == 1 && errors[0].type == "json_invalid"; }

/// What a document is said not to be that is none at all.
ValidationItem no_document(const Shape& shape, std::string_view body) {
  const bool is_list = shape.kind == ShapeKind::list || shape.kind == ShapeKind::array;
  const bool is_map = shape.kind == ShapeKind::map;
  std::string type = is_list ? "list_type" : is_map ? "dict_type" : "model_attributes_type";
  std::string message = is_list  ? "Input should be a valid list"
                        : is_map ? "Input should be a valid dictionary"
                                 : "Input should be a valid dictionary or object to extract fields from";
  const auto sent = body.size() > longest_error_input ? std::nullopt : std::optional{body};
  return {std::move(type), {"body"}, std::move(message), sent};
}

const Shape& without_optional(const Shape& shape) noexcept {
  return shape.kind == ShapeKind::optional ? without_optional(*shape.inner) : shape;
}

}  // namespace

/// Reads the body into the models that the plan takes.
class BodyReader {
public:
  using Bodies = std::span<const PlannedValue>;

  BodyReader(Resolver& resolver, Bodies bodies, bool have_names) noexcept
      : resolver_(resolver), request_(resolver.request()), bodies_(bodies), have_names_(have_names) {}

  void read_all() {
    const std::string_view text = trimmed(request_.body());
    if (text.empty() || (text == "null" && !have_names_)) return report_absent();
    if (!says_json(request_)) return report_other_type();
    if (have_names_) read_members();
    else read_whole();
  }

private:
  void report_absent() {
    for (const PlannedValue& body : bodies_) {
      if (!body.info->body->is_required) continue;
      ValidationItem missing{"missing", {"body"}, "Field required"};
      if (have_names_) missing.loc.emplace_back(body.info->name);
      resolver_.report(std::move(missing));
      if (!have_names_) return;
    }
  }

  void report_other_type() {
    if (have_names_) return report_absent();
    resolver_.report(no_document(without_optional(*bodies_[0].info->body->shape), request_.body()));
  }

  /// Mostly one; of several each is the same body as another type.
  void read_whole() {
    for (const PlannedValue& body : bodies_) {
      const BodyModel& model = *body.info->body;
      if (!report(read(request_, model, *model.shape, resolver_.at(body.slot), resolver_.arena()))) return;
    }
  }

  /// As an object whose members lie among the request's values. A name that is there as two types takes another turn.
  void read_members() {
    std::vector<MemberShape> members;
    for (std::vector<PlannedValue> left{bodies_.begin(), bodies_.end()}; !left.empty();) {
      members.clear();
      std::erase_if(left, [&](const PlannedValue& body) { return add_member(members, body); });
      const Shape object{
          .kind = ShapeKind::object, .count = members.size(), .members = members.data(), .room = &resolver_};
      if (!report_members(read(request_, *bodies_[0].info->body, object, &resolver_, resolver_.arena()))) return;
    }
  }

  /// False if the name is there.
  bool add_member(std::vector<MemberShape>& members, const PlannedValue& body) {
    const BodyModel& model = *body.info->body;
    const auto same = [&](const MemberShape& member) { return member.name() == model.name.text(); };
    if (members.size() == most_members || std::any_of(members.begin(), members.end(), same)) return false;
    members.push_back({model.name, resolver_.at(body.slot), model.shape, model.is_required});
    return true;
  }

  bool report_members(ModelErrors&& errors) {
    for (ModelError& error : errors) {
      if (error.loc.empty() && error.type != "json_invalid") return report_absent(), false;
      if (error.loc.size() == 1 && error.type == "missing") error.input = "null";
    }
    return report(std::move(errors));
  }

  /// False if another turn would say the same.
  bool report(ModelErrors&& errors) {
    const bool is_json = !is_malformed(errors);
    for (ModelError& error : errors) resolver_.report(item_of(std::move(error)));
    return is_json;
  }

  Resolver& resolver_;
  const Request& request_;
  Bodies bodies_;
  bool have_names_;
};

void Resolver::read_models() noexcept {
  try {
    const BodyReader::Bodies bodies{plan_->values_.data() + plan_->first_body_,
                                    plan_->values_.size() - plan_->first_body_};
    for (const PlannedValue& body : bodies) {
      body.info->body->construct(at(body.slot));
      ++values_made_;
    }
    if (plan_->on_wrong_type_ == OnWrongType::unsupported && !request_->body().empty() && !says_json(*request_))
      throw HttpError{415};
    BodyReader{*this, bodies, plan_->has_named_bodies_}.read_all();
  } catch (...) {
    fail_request(std::make_unique<Error>(Error::current()));
  }
}

}  // namespace umbel::detail
