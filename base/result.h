#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace gopmill {

// A fault says what its receiver should do next, never merely what went wrong. The kinds are few on purpose: a new one
// must change what some caller does.
enum class FaultKind : unsigned char {
  kInput = 1,         // The source's own fault: never retry, tell the owner. Exit 65.
  kNoInput = 2,       // The source is not there or may not be read. Exit 66.
  kConfig = 3,        // A profile or an option file is wrong. Exit 78.
  kUsage = 4,         // The command line is wrong. Exit 2.
  kMachine = 5,       // This machine's fault (memory, disk, a lost peer): retry elsewhere. Exit 1.
  kPoison = 6,        // The work killed the process that did it: few retries, then quarantine. Exit 1.
  kCancelled = 7,     // Its owner asked for it. Exit 1, or 130 where the owner pressed Ctrl-C.
  kUnavailable = 8,   // No coordinator answers, or it refuses for now. Exit 69.
  kCannotCreate = 9,  // An output cannot be created. Exit 73.
  kInternal = 10,     // Our own broken promise, found before it did harm. Exit 1.
};

// One fault, as a person reads it: `text` says what, on which file or peer, and why. Value type.
struct Fault {
  FaultKind kind = FaultKind::kInternal;
  std::string text;

  // Prepends where it happened; used once per layer on the way up.
  [[nodiscard]] Fault within(std::string_view where) && {
    text = std::string(where) + ": " + text;
    return std::move(*this);
  }
  friend bool operator==(const Fault&, const Fault&) = default;
};

// What can fail at run time returns Result<T>. End of file, would-block and "no work" are values, not faults.
template <class T = void>
class [[nodiscard]] Result : public std::expected<T, Fault> {
 public:
  using std::expected<T, Fault>::expected;
};

// Shorthand for the failing return: `return fail(FaultKind::kInput, "…")`.
[[nodiscard]] inline std::unexpected<Fault> fail(FaultKind kind, std::string text) {
  return std::unexpected(Fault{kind, std::move(text)});
}

namespace detail {
template <class T>
T take(Result<T>&& result) {
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}
}  // namespace detail

// The process exit code of a fault (sysexits.h where that has one). 0 is never returned.
int exit_code(FaultKind kind);

// "input", "machine", …: the word used in logs, reports and --json.
std::string_view fault_word(FaultKind kind);

}  // namespace gopmill

// Unwraps a Result or returns its fault to the caller. A statement expression, which g++ and clang both have, so that it
// can stand inside an expression; the counter gives each its own name, so that one can stand inside another.
#define TRY(...) GOPMILL_TRY_AS(GOPMILL_TRY_NAME(__COUNTER__), __VA_ARGS__)
#define GOPMILL_TRY_NAME(counter) GOPMILL_TRY_JOIN(gopmill_result_, counter)
#define GOPMILL_TRY_JOIN(name, counter) name##counter
#define GOPMILL_TRY_AS(name, ...)                               \
  ({                                                            \
    auto name = (__VA_ARGS__);                                  \
    if (!name) return std::unexpected(std::move(name.error())); \
    ::gopmill::detail::take(std::move(name));                   \
  })
