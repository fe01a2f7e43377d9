#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "media/task/task.h"

// How JSON is put together and printed here. Private to views/. What is not UTF-8 is replaced by U+FFFD, never thrown at: names, tags
// and titles of media may hold anything.

namespace gopmill::views {

using Json = nlohmann::ordered_json;

// One line, for JSON Lines.
inline std::string line_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }
// Read by people as often as by programs.
inline std::string indented(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace); }

inline Json fault_object(const std::optional<Fault>& fault) {
  if (!fault) return nullptr;
  return {{"kind", fault_word(fault->kind)}, {"text", fault->text}};
}

inline Json check_list(const std::vector<Check>& checks) {
  Json list = Json::array();
  for (const Check& check : checks)
    list.push_back({{"name", check.name}, {"passed", check.passed}, {"advisory", check.advisory}, {"found", check.found}});
  return list;
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace gopmill::views
