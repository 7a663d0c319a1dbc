// SPDX-License-Identifier: MIT
#include "umbel/testing/transport_conformance.hpp"

#include <gtest/gtest.h>

#include "scene.hpp"

namespace umbel::testing {

namespace {

/// One case against one transport.
class CaseTest final : public ::testing::Test {
public:
  CaseTest(Case what, MakeHarness make) : case_(std::move(what)), make_(make) {}

private:
  void TestBody() override {
    Scene scene{make_};
    for (const Need& need : case_.needs) {
      if (!(scene.capabilities().*need.has)) GTEST_SKIP() << "the transport's Capabilities have no " << need.name;
    }
    case_.run(scene);
  }

  Case case_;
  MakeHarness make_;
};

void add(std::string_view name, const char* group, const std::vector<Case>& cases, MakeHarness make) {
  const std::string suite = std::string{name} + group;
  for (const Case& one : cases) {
    ::testing::RegisterTest(suite.c_str(), one.name, nullptr, nullptr, __FILE__, __LINE__,
                            [one, make]() -> ::testing::Test* { return new CaseTest{one, make}; });
  }
}

}  // namespace

bool add_transport_cases(std::string_view name, MakeHarness make) {
  add(name, "Mapping", mapping_cases(), make);
  add(name, "Streaming", streaming_cases(), make);
  add(name, "Lifecycle", lifecycle_cases(), make);
  add(name, "Misuse", misuse_cases(), make);
  add(name, "Concurrency", concurrency_cases(), make);
  add(name, "Limits", limit_cases(), make);
  add(name, "Drain", drain_cases(), make);
  add(name, "Differential", differential_cases(), make);
  return true;
}

}  // namespace umbel::testing
