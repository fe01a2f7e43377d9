#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/ids.h"
#include "base/time.h"
#include "media/child/child.h"
#include "proto/transfer.h"
#include "worker/session.h"

namespace gopmill {

// One attempt's hands: its input on its way in, its child, its outputs on their way out. All files are nameless, so nothing
// is left behind however this process ends. Does what the session orders and tells what it saw. Owned by the client's loop.
class AttemptRun {
 public:
  // Begins to fetch. A fault: no room for a temporary file.
  static Result<AttemptRun> fetch(const orders::FetchInput& order, const std::filesystem::path& temporary, Instant now);

  Result<> start_child(const orders::StartChild& order, Instant now);
  void store(const orders::StoreOutputs& order, Instant now);

  // Data messages of this attempt's artifacts.
  [[nodiscard]] bool owns(const wire::Artifact& artifact) const;
  void receive(wire::Data message, Instant now);

  // ---- for the loop ----
  [[nodiscard]] std::optional<int> child_fd() const;
  std::vector<Seen> poll(Instant now);  // what the child and the timers say
  // Messages to send before anything else; they are small.
  std::vector<wire::Data> take_messages();
  // Whether a chunk waits to be sent. At most one is read ahead.
  [[nodiscard]] bool wants_to_send() const;
  // The next chunk of an output, if any; call sent() when the socket took it.
  Result<std::optional<wire::Chunk>> next_chunk();
  void sent();

 private:
  AttemptRun(TaskId task, Attempt attempt, std::filesystem::path temporary)
      : task_(task), attempt_(attempt), temporary_(std::move(temporary)) {}
  void apply(Download::Step step);
  [[nodiscard]] wire::Artifact output(std::uint32_t part) const;
  void report_child(ChildEnded ended, std::vector<Seen>& out);
  void report_transfers(std::vector<Seen>& out);
  Upload* sending();

  TaskId task_;
  Attempt attempt_;
  std::filesystem::path temporary_;
  Fd input_;
  std::optional<Download> download_;
  std::optional<Fault> write_fault_;
  std::optional<MediaChild> child_;
  std::vector<Fd> outputs_;
  std::vector<Upload> uploads_;  // by part; sent one after the other
  std::vector<wire::Data> messages_;
};

}  // namespace gopmill
