// SPDX-License-Identifier: MIT
// What is private in a member's class nobody can tell.
// words: umbel: this member's type is no part of a model
// words: say by umbel::ModelTraits what the members of its type are
// words: is_part_of_a_model<Money,
// words: price
#include "umbel/json/json_writer.hpp"
#include "umbel/json/model_writer.hpp"

class Money {
public:
  int cents() const { return cents_; }

private:
#ifndef MUST_FAIL
  friend umbel::ModelTraits<Money>;
#endif
  int cents_ = 0;
};
#ifndef MUST_FAIL
template <>
struct umbel::ModelTraits<Money> {
  using Members = umbel::MemberList<umbel::Member<"cents", &Money::cents_>>;
};
#endif
struct Item {
  Money price;
};
void write(umbel::JsonWriter& json, const Item& item) { umbel::write_model(json, item); }
