// SPDX-License-Identifier: MIT
#pragma once
// What a client may ask of an App, as its documents tell it: read off the routes and the graph below each.

#include <string>
#include <string_view>
#include <vector>

#include "umbel/di/router.hpp"

namespace umbel {
class App;
}

namespace umbel::detail {

/// A value that an operation takes.
struct OperationParameter {
  Source source;
  std::string name;
  const ValueSchema* schema;
  bool is_required;
};

/// A model that is the request's body, or a member of it.
struct OperationBody {
  std::string_view name;  // Of the member.
  const Shape* shape;
  bool is_required;
};

/// A kind of credentials, named once per App.
struct SecurityScheme {
  const SecurityInfo* info;
  bool operator==(const SecurityScheme& other) const noexcept;
};

/// Credentials that an operation takes.
struct OperationSecurity {
  SecurityScheme scheme;
  bool is_optional;  // For every node that takes them.
  std::vector<std::string_view> scopes;
};

struct Operation {
  std::string path;  // As documents have it: "/items/{item_id}", without types.
  Method method = Method::get;
  std::string id;
  bool has_own_id = false;  // Its route says which.
  std::string summary;
  std::string description;
  std::vector<std::string_view> tags;  // Each once.
  bool is_deprecated = false;
  std::vector<OperationParameter> parameters;  // Path, query, header, cookie; in each, in the order of a walk.
  std::vector<OperationSecurity> security;     // In the order of a walk.
  std::vector<OperationBody> bodies;           // Several: the body is an object that has each under its name.
  const Shape* form = nullptr;                 // In place of bodies.
  bool takes_bytes = false;                    // A body of any type.
  bool can_be_invalid = false;                 // There are requests that are a 422.
  ReplyInfo reply;
};

/// What an App has of its own; mounted Apps have documents of their own. Sorted by path, then by method. Two operations
/// with one id are a mistake, appended to `problems`.
std::vector<Operation> operations_of(const App& app, std::vector<std::string>& problems);

}  // namespace umbel::detail
