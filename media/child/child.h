#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/time.h"
#include "media/child/child_pulse.h"

// The parent's side of a media child: a short-lived process of this same binary that does one piece of media work. It
// gets open descriptors and a typed request, never a command line, a path or a key; it answers with a typed result. A
// crash, a hang or a bomb in it is an ordinary fault here. The child's side is media/child/parent_line.h.
// Why: docs/decisions/17-sandboxed-children.md.

namespace gopmill {

enum class ChildWork : std::uint8_t {
  kAnalyse = 1,  // AnalyseRequest → SourceFacts
  kSplit = 2,    // SplitRequest → nothing; asks for files
  kTask = 3,     // empty; fds: task input, one output per rendition (or one for audio) → TaskResult
  kStitch = 4,   // StitchRequest → FileReport; asks for files
  kVerify = 5,   // VerifyRequest → FileReport
  kHash = 6,     // empty; fds: any file → its XXH3-64 in decimal: minutes of reading, not the parent's
  kPackage = 7,  // PackageRequest → FileReport
};

inline constexpr std::uint64_t kChildMemoryBytesMax = 4ULL << 30;
inline constexpr std::uint64_t kChildFileBytesMax = 1ULL << 40;

struct ChildLimits {
  Duration wall_max{3600'000};  // killed after this
  // RLIMIT_AS is useless with sanitizers and threads' stacks; RLIMIT_DATA is used
  std::uint64_t memory_bytes_max = kChildMemoryBytesMax;
  std::uint64_t file_bytes_max = kChildFileBytesMax;  // RLIMIT_FSIZE
  Duration silent_cpu_max{0};                         // killed after computing this long without a word; 0: may be silent
};

// What a child says while it works.
struct ChildProgress {
  std::uint64_t done = 0;
};  // frames or milliseconds
struct ChildWantsFile {
  std::uint32_t index = 0;
};  // answered by give_file, in this order
struct ChildClosedFile {
  std::uint32_t index = 0;
};  // done with that file (split: it is complete)
struct ChildHashedFile {
  std::uint64_t hash = 0;
};  // XXH3-64 of the file it was given last, before it believes any of it
struct ChildEnded {
  Result<std::string> result;
};  // last of all; the process is gone
using ChildEvent = std::variant<ChildProgress, ChildWantsFile, ChildClosedFile, ChildHashedFile, ChildEnded>;

// Owned by one event loop, not thread-safe. Destruction kills the process and waits for it.
class MediaChild {
 public:
  // `fds` are duplicated into the child; the caller keeps its own. Faults are kMachine.
  static Result<MediaChild> start(ChildWork work, const std::string& request, const std::vector<int>& fds,
                                  const ChildLimits& limits, Instant now);
  MediaChild(MediaChild&&) noexcept;
  MediaChild& operator=(MediaChild&&) noexcept;
  ~MediaChild();

  [[nodiscard]] int event_fd() const { return socket_.get(); }  // readable: call poll()
  // Everything said since the last call, never blocking; ends a child that is over its limits or hangs (media/child/child_pulse.h),
  // which takes a call at least every second. After ChildEnded it returns nothing.
  std::vector<ChildEvent> poll(Instant now);
  Result<> give_file(int fd);
  void kill();

 private:
  explicit MediaChild(const ChildLimits& limits) : pulse_(limits.silent_cpu_max) {}
  ChildEnded end();
  Fd socket_;
  Fd result_;
  pid_t pid_ = -1;
  Instant deadline_;
  ChildPulse pulse_;
  bool owed_ = false;           // it waits for a file
  std::optional<Fault> fault_;  // why it was ended by us
  bool finished_ = false;       // said it is done; its result file is complete
  bool ended_ = false;
};

inline constexpr std::uint64_t kChildResultBytesMax = 512ULL << 20;  // an analysis of 10 M frames takes 120 MB

}  // namespace gopmill
