// SPDX-License-Identifier: MIT
#include "umbel/di/openapi.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "operations.hpp"
#include "routes_of_app.hpp"
#include "schemas.hpp"
#include "umbel/json/json_writer.hpp"

namespace umbel {

namespace {

using detail::MemberShape;
using detail::ModelNames;
using detail::NamedModel;
using detail::Operation;
using detail::OperationBody;
using detail::OperationParameter;
using detail::OperationSecurity;
using detail::SecurityInfo;
using detail::SecurityScheme;
using detail::Shape;
using detail::Source;
using detail::Use;

/// Owned: OpenApiOptions are views.
struct Texts {
  struct Server {
    std::string url;
    std::string description;
  };

  explicit Texts(const OpenApiOptions& options)
      : title(options.title),
        version(options.version),
        summary(options.summary),
        description(options.description),
        license(options.license) {
    for (const OpenApiServer& server : options.servers)
      servers.push_back({std::string{server.url}, std::string{server.description}});
  }

  std::string title;
  std::string version;
  std::string summary;
  std::string description;
  std::string license;
  std::vector<Server> servers;
};

void write_text(JsonWriter& json, std::string_view key, std::string_view text) {
  if (!text.empty()) json.field(key, text);
}

std::string_view place_of(Source source) noexcept {
  switch (source) {
    case Source::path:
      return "path";
    case Source::query:
      return "query";
    case Source::cookie:
      return "cookie";
    default:
      return "header";
  }
}

/// A file, several of them, or none or one.
bool is_file(const Shape& shape) noexcept {
  return shape.kind == detail::ShapeKind::file || (shape.inner && is_file(*shape.inner));
}

/// FastAPI's names for them. Keys of several names are told apart by these.
class SchemeNames {
public:
  explicit SchemeNames(const std::vector<Operation>& operations) {
    for (const Operation& operation : operations) {
      for (const OperationSecurity& security : operation.security) add(security.scheme);
    }
    std::map<std::string, int> counts;
    for (const Scheme& scheme : schemes_) ++counts[scheme.name];
    std::set<std::string> taken;
    for (Scheme& scheme : schemes_) {
      if (counts[scheme.name] > 1) scheme.name += "_" + in_words(scheme.is.info->name);
      const std::string name = scheme.name;
      for (int number = 2; !taken.insert(scheme.name).second; ++number)
        scheme.name = name + "_" + std::to_string(number);
    }
  }

  const std::string& name_of(const SecurityScheme& scheme) const {
    return std::find_if(schemes_.begin(), schemes_.end(), [&](const Scheme& known) { return known.is == scheme; })
        ->name;
  }
  std::map<std::string_view, const SecurityInfo*> sorted() const {
    std::map<std::string_view, const SecurityInfo*> all;
    for (const Scheme& scheme : schemes_) all.emplace(scheme.name, scheme.is.info);
    return all;
  }

private:
  struct Scheme {
    SecurityScheme is;
    std::string name;
  };

  static std::string_view kind_of(const SecurityInfo& info) noexcept {
    if (info.kind == SecurityInfo::Kind::bearer) return "HTTPBearer";
    if (info.kind == SecurityInfo::Kind::basic) return "HTTPBasic";
    return info.source == Source::query    ? "APIKeyQuery"
           : info.source == Source::cookie ? "APIKeyCookie"
                                           : "APIKeyHeader";
  }
  /// Names of components have nothing else.
  static std::string in_words(std::string_view name) {
    std::string words{name};
    const auto is_plain = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.';
    };
    std::replace_if(words.begin(), words.end(), [&](char c) { return !is_plain(c); }, '_');
    return words;
  }
  void add(const SecurityScheme& scheme) {
    if (std::none_of(schemes_.begin(), schemes_.end(), [&](const Scheme& known) { return known.is == scheme; }))
      schemes_.push_back({scheme, std::string{kind_of(*scheme.info)}});
  }

  std::vector<Scheme> schemes_;  // Each once.
};

std::string taken(JsonWriter&& json) {
  const Buffer out = std::move(json).take();
  return std::string{out.view()};
}

std::string info_of(const Texts& texts) {
  JsonWriter json;
  json.begin_object().field("title", texts.title);
  write_text(json, "summary", texts.summary);
  write_text(json, "description", texts.description);
  if (!texts.license.empty())
    json.key("license").begin_object().field("name", texts.license).field("identifier", texts.license).end_object();
  json.field("version", texts.version).end_object();
  return taken(std::move(json));
}

std::string servers_of(const std::vector<Texts::Server>& servers) {
  JsonWriter json;
  json.begin_array();
  for (const Texts::Server& server : servers) {
    json.begin_object().field("url", server.url);
    write_text(json, "description", server.description);
    json.end_object();
  }
  json.end_array();
  return taken(std::move(json));
}

/// Paths and components.
class Contents {
public:
  explicit Contents(const std::vector<Operation>& operations) : operations_(operations), schemes_(operations) {
    for (const Operation& operation : operations_) {
      for (const OperationBody& body : operation.bodies) models_.add(*body.shape);
      if (operation.form) models_.add_form(*operation.form);
      if (operation.reply.shape) models_.add(*operation.reply.shape);
    }
    models_.choose();
  }

  std::string write() && {
    json_.begin_object().key("paths").begin_object();
    for (auto first = operations_.begin(); first != operations_.end();) {
      const auto end = std::find_if(first, operations_.end(), [&](const auto& o) { return o.path != first->path; });
      json_.key(first->path).begin_object();
      for (; first != end; ++first) write_operation(*first);
      json_.end_object();
    }
    json_.end_object();
    write_components();
    json_.end_object();
    return taken(std::move(json_));
  }

private:
  void write_operation(const Operation& operation) {
    json_.key(in_lower_case(to_string(operation.method))).begin_object();
    if (!operation.tags.empty()) {
      json_.key("tags").begin_array();
      for (const std::string_view tag : operation.tags) json_.value(tag);
      json_.end_array();
    }
    json_.field("summary", operation.summary);
    write_text(json_, "description", operation.description);
    json_.field("operationId", operation.id);
    if (operation.is_deprecated) json_.field("deprecated", true);
    if (!operation.security.empty()) write_security(operation.security);
    if (!operation.parameters.empty()) write_parameters(operation.parameters);
    write_body(operation);
    write_responses(operation);
    json_.end_object();
  }

  /// Alternatives: all that are required; the same with each of the others.
  void write_security(const std::vector<OperationSecurity>& all) {
    json_.key("security").begin_array();
    for (const OperationSecurity& security : all) {
      if (security.is_optional) write_alternative(all, &security);
    }
    write_alternative(all, nullptr);
    json_.end_array();
  }

  void write_alternative(const std::vector<OperationSecurity>& all, const OperationSecurity* beside) {
    json_.begin_object();
    for (const OperationSecurity& security : all) {
      if (security.is_optional && &security != beside) continue;
      json_.key(schemes_.name_of(security.scheme)).begin_array();
      for (const std::string_view scope : security.scopes) json_.value(scope);
      json_.end_array();
    }
    json_.end_object();
  }

  void write_parameters(const std::vector<OperationParameter>& parameters) {
    json_.key("parameters").begin_array();
    for (const OperationParameter& parameter : parameters) {
      json_.begin_object().field("name", parameter.name).field("in", place_of(parameter.source));
      write_text(json_, "description", parameter.schema->description);
      json_.field("required", parameter.is_required).key("schema");
      write_schema(json_, *parameter.schema);
      json_.end_object();
    }
    json_.end_array();
  }

  void write_body(const Operation& operation) {
    if (operation.form) return write_form(*operation.form);
    const std::vector<OperationBody>& bodies = operation.bodies;
    if (bodies.empty() && !operation.takes_bytes) return;
    json_.key("requestBody").begin_object().key("content").begin_object();
    json_.key(bodies.empty() ? "*/*" : "application/json").begin_object();
    if (!bodies.empty()) json_.key("schema");
    if (bodies.size() == 1) write_schema(json_, *bodies.front().shape, models_);
    else if (!bodies.empty()) write_bodies(bodies);
    json_.end_object().end_object();
    const auto is_required = [](const OperationBody& body) { return body.is_required; };
    if (std::any_of(bodies.begin(), bodies.end(), is_required)) json_.field("required", true);
    json_.end_object();
  }

  /// Only multipart brings files.
  void write_form(const Shape& form) {
    const MemberShape* const end = form.members + form.count;
    const bool has_files =
        std::any_of(form.members, end, [](const MemberShape& member) { return is_file(*member.shape); });
    const bool is_required =
        std::any_of(form.members, end, [](const MemberShape& member) { return member.is_required; });
    json_.key("requestBody").begin_object().key("content").begin_object();
    json_.key(has_files ? "multipart/form-data" : "application/x-www-form-urlencoded").begin_object();
    json_.key("schema").begin_object().field("$ref", reference_to(form, Use::form)).end_object();
    json_.end_object().end_object();
    if (is_required) json_.field("required", true);
    json_.end_object();
  }

  std::string reference_to(const Shape& model, Use use) const {
    return "#/components/schemas/" + models_.name_of(model, use);
  }

  /// Those of one name are read of the same text. If all have it, that is the whole body.
  void write_bodies(const std::vector<OperationBody>& bodies) {
    std::vector<std::string_view> names, required;
    for (const OperationBody& body : bodies) {
      add_once(names, body.name);
      if (body.is_required) add_once(required, body.name);
    }
    if (names.size() == 1) return write_all_of(bodies, names.front());
    json_.begin_object().key("properties").begin_object();
    for (const std::string_view name : names) {
      json_.key(name);
      write_all_of(bodies, name);
    }
    json_.end_object().field("type", "object").key("required").begin_array();
    for (const std::string_view name : required) json_.value(name);
    json_.end_array().end_object();
  }

  void write_all_of(const std::vector<OperationBody>& bodies, std::string_view name) {
    const auto has_it = [&](const OperationBody& body) { return body.name == name; };
    const bool is_one = std::count_if(bodies.begin(), bodies.end(), has_it) == 1;
    if (!is_one) json_.begin_object().key("allOf").begin_array();
    for (const OperationBody& body : bodies) {
      if (has_it(body)) write_schema(json_, *body.shape, models_);
    }
    if (!is_one) json_.end_array().end_object();
  }

  static void add_once(std::vector<std::string_view>& names, std::string_view name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }

  void write_responses(const Operation& operation) {
    json_.key("responses").begin_object();
    json_.key(std::to_string(operation.reply.status)).begin_object().field("description", "Successful Response");
    if (!operation.reply.content_type.empty()) write_content(operation.reply);
    json_.end_object();
    const auto is_required = [](const OperationSecurity& security) { return !security.is_optional; };
    if (std::any_of(operation.security.begin(), operation.security.end(), is_required))
      json_.key("401").begin_object().field("description", "Not authenticated").end_object();
    if (operation.can_be_invalid) write_invalid();
    json_.end_object();
  }

  void write_content(const detail::ReplyInfo& reply) {
    json_.key("content").begin_object().key(reply.content_type).begin_object().key("schema");
    if (reply.shape) write_schema(json_, *reply.shape, models_);
    else write_bytes(reply.content_type);
    json_.end_object().end_object();
  }

  void write_bytes(std::string_view content_type) {
    json_.begin_object().field("type", "string");
    if (content_type == "*/*" || content_type == "application/octet-stream") json_.field("format", "binary");
    json_.end_object();
  }

  void write_invalid() {
    has_invalid_ = true;
    json_.key("422").begin_object().field("description", "Validation Error").key("content").begin_object();
    json_.key("application/json").begin_object().key("schema").begin_object();
    json_.field("$ref", "#/components/schemas/HTTPValidationError");
    json_.end_object().end_object().end_object().end_object();
  }

  void write_components() {
    const std::vector<NamedModel> named = models_.sorted();
    std::map<std::string_view, const NamedModel*> models;
    for (const NamedModel& model : named) models.emplace(model.name, &model);
    if (has_invalid_) models.insert({{"HTTPValidationError", nullptr}, {"ValidationError", nullptr}});
    const auto schemes = schemes_.sorted();
    if (models.empty() && schemes.empty()) return;
    json_.key("components").begin_object();
    if (!models.empty()) write_models(models);
    if (!schemes.empty()) write_schemes(schemes);
    json_.end_object();
  }

  void write_models(const std::map<std::string_view, const NamedModel*>& models) {
    json_.key("schemas").begin_object();
    for (const auto& [name, model] : models) {
      json_.key(name);
      if (model) write_model_schema(json_, *model, models_);
      else json_.raw(name == "ValidationError" ? validation_error : http_validation_error);
    }
    json_.end_object();
  }

  void write_schemes(const std::map<std::string_view, const SecurityInfo*>& schemes) {
    json_.key("securitySchemes").begin_object();
    for (const auto& [name, info] : schemes) {
      json_.key(name).begin_object();
      if (info->kind == SecurityInfo::Kind::api_key)
        json_.field("type", "apiKey").field("in", place_of(info->source)).field("name", info->name);
      else json_.field("type", "http").field("scheme", info->kind == SecurityInfo::Kind::bearer ? "bearer" : "basic");
      json_.end_object();
    }
    json_.end_object();
  }

  static constexpr std::string_view http_validation_error =
      R"({"properties":{"detail":{"items":{"$ref":"#/components/schemas/ValidationError"},"type":"array"}},)"
      R"("type":"object","title":"HTTPValidationError"})";
  static constexpr std::string_view validation_error =
      R"({"properties":{"loc":{"items":{"anyOf":[{"type":"string"},{"type":"integer"}]},"type":"array"},)"
      R"("msg":{"type":"string"},"type":{"type":"string"},"input":{},"ctx":{"type":"object"}},)"
      R"("type":"object","required":["loc","msg","type"],"title":"ValidationError"})";

  const std::vector<Operation>& operations_;
  SchemeNames schemes_;
  ModelNames models_;
  JsonWriter json_;
  bool has_invalid_ = false;
};

/// A document, but for its servers.
struct Document {
  std::string before;
  std::string servers;  // Empty: none are given.
  std::string behind;

  std::string with(std::string_view these) const {
    std::string text = before;
    if (!these.empty()) text.append(",\"servers\":").append(these);
    return text.append(behind);
  }
};

Document document_of(const App& app, const Texts& texts, std::vector<std::string>& problems) {
  const std::vector<Operation> operations = detail::operations_of(app, problems);
  const std::string contents = Contents{operations}.write();
  return {R"({"openapi":"3.1.0","info":)" + info_of(texts), texts.servers.empty() ? "" : servers_of(texts.servers),
          "," + contents.substr(1)};
}

/// Made when the App starts, read by its requests.
class StartDocument : public detail::StartHook {
public:
  explicit StartDocument(const OpenApiOptions& options) : texts_(options) {}

  void app_starts(const App& app, std::vector<std::string>& problems) override {
    try {
      document_ = document_of(app, texts_, problems);
      text_ = document_.with(document_.servers);
    } catch (const JsonError& error) {
      problems.push_back(std::string{"the OpenAPI document: "} + error.what());
    }
  }

  Response reply(const Request& request) const {
    if (!document_.servers.empty() || request.root().empty()) return Response::json(text_);
    return Response::json(document_.with(servers_of({{std::string{request.root()}, {}}})));
  }

private:
  const Texts texts_;
  Document document_;
  std::string text_;
};

struct GiveDocument {
  static constexpr NodeKind umbel_node_kind = NodeKind::on_loop;
  Response operator()(const Request& request) const { return document->reply(request); }

  std::shared_ptr<const StartDocument> document;
};

}  // namespace

std::string openapi_document(const App& app, const OpenApiOptions& options) {
  std::vector<std::string> problems;
  const Document document = document_of(app, Texts{options}, problems);
  if (problems.empty()) return document.with(document.servers);
  std::string text = "umbel: the OpenAPI document cannot be made:";
  for (const std::string& problem : problems) text.append("\n  ").append(problem);
  throw StartError{text};
}

void openapi_route(App& app, const OpenApiOptions& options) {
  const auto document = std::make_shared<StartDocument>(options);
  app.get(runtime_route(options.path), GiveDocument{document}, {.include_in_schema = false});
  detail::RoutesOfApp::add(app, document);
}

}  // namespace umbel
