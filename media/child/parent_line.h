#pragma once

#include <cstdint>

#include "base/file.h"
#include "base/result.h"
#include "media/child/child_line.h"

namespace gopmill {

// The child's line to its parent. Used by every piece of media work; not thread-safe.
class ParentLine {
 public:
  explicit ParentLine(int socket) : socket_(socket) {}
  // Says how far the work is. Rate-limited here, so call it as often as you like.
  void progress(std::uint64_t done);
  // Blocks until the parent hands over file `index`: this is how a full spool holds the child back.
  Result<Fd> want_file(std::uint32_t index);
  // What the file given last is, for the parent to compare with what it should be.
  void hashed_file(std::uint64_t hash);
  void closed_file(std::uint32_t index);

 private:
  int socket_;
  std::int64_t last_progress_ms_ = 0;
};

// Says one thing to the parent over the child's socket. A parent that is gone needs no answer: the kernel ends this process with it.
void say_to_parent(int socket, ChildSaying saying, std::uint64_t value);

}  // namespace gopmill
