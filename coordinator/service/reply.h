#pragma once

#include <functional>

#include "base/result.h"

namespace gopmill {

// Where the answer to one request goes: called once, from the coordinator's loop, with the answer or with why there is none. A
// coordinator that is stopped first never calls it, and whoever asked asks again.
template <class Answer = void>
using Reply = std::function<void(Result<Answer>)>;

}  // namespace gopmill
