#pragma once

#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "base/file.h"
#include "media/child/parent_line.h"

namespace gopmill::test {

// The parent of media work that runs inside the test: hands out the files asked for, over a real socket, and remembers what
// it was told.
class ParentDouble {
 public:
  // `file_of` gives the descriptor for an index; it is duplicated by sending. Called from the double's own thread.
  explicit ParentDouble(std::function<Fd(std::uint32_t)> file_of = {});
  // Serves these files; they must outlive the double.
  explicit ParentDouble(const std::vector<Fd>& files);
  ~ParentDouble();
  [[nodiscard]] ParentLine& line() { return line_; }
  // Everything asked for and closed so far, in order. Call when the work has returned.
  std::vector<std::uint32_t> wanted();
  std::vector<std::uint32_t> closed();

 private:
  void serve();
  void stop();
  std::function<Fd(std::uint32_t)> file_of_;
  Fd ours_;
  Fd theirs_;
  ParentLine line_;
  std::vector<std::uint32_t> wanted_, closed_;  // the thread's until it is joined
  std::thread thread_;
};

// How many descriptors this process has open.
int open_descriptors();
// How many bytes it has written so far, to files and sockets.
std::uint64_t bytes_written();

}  // namespace gopmill::test
