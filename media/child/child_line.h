#pragma once

#include <cstdint>
#include <string>

#include "base/archive.h"
#include "base/result.h"
#include "media/child/child.h"

// What parent and child of one build say to each other over their socket, and where the child finds its descriptors.

namespace gopmill {

inline constexpr int kChildSocketFd = 3;
inline constexpr int kChildRequestFd = 4;
inline constexpr int kChildResultFd = 5;
inline constexpr int kChildFirstWorkFd = 6;
inline constexpr std::uint32_t kChildWorkFdsMax = 32;

// The hidden first argument that makes the binary a media child.
inline constexpr const char* kChildArgument = "media-child";

enum class ChildSaying : std::uint8_t { kProgress = 1, kWantFile = 2, kClosedFile = 3, kFinished = 4, kHashedFile = 5 };

struct ChildMessage {
  ChildSaying saying{};
  std::uint64_t value = 0;
};

// In the request file.
struct ChildRequest {
  ChildWork work{};
  std::uint32_t fds = 0;
  std::int32_t parent_pid = 0;
  std::uint64_t memory_bytes_max = 0;
  std::uint64_t file_bytes_max = 0;
  std::string request;
};

// In the result file, complete once kFinished was said.
struct ChildOutcome {
  bool good = false;
  FaultKind kind = FaultKind::kInternal;
  std::string text;  // the encoded result, or the fault's words
};

template <class A>
void fields(A& a, ChildRequest& v) {
  a(v.work, v.fds, v.parent_pid, v.memory_bytes_max, v.file_bytes_max, v.request);
}
template <class A>
void fields(A& a, ChildOutcome& v) {
  a(v.good, v.kind, v.text);
}

}  // namespace gopmill
