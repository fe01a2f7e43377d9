#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "proto/channel.h"
#include "proto/messages.h"

namespace gopmill {

// How long a request waits for its answer before "no coordinator answers": a coordinator commits to disk before it answers,
// which a busy disk can hold up for seconds.
inline constexpr Duration kAnswerTimeMax{5000};
// A request or its answer may be lost, so it is repeated; every request is idempotent.
inline constexpr Duration kAskAgainEvery{1000};

// One coordinator, as a command line sees it: a request, an answer. Blocking, not thread-safe, one per process (it owns the
// process's ZeroMQ). Faults: kUnavailable where nothing answers, kCancelled where `stop_fd` became readable meanwhile, else
// what the coordinator refused with.
class FarmClient {
 public:
  // Does not speak yet. kUsage where `endpoint` is not one. `stop_fd` (-1: none) is watched and never read; who takes what
  // is in it may go on using the client.
  static Result<FarmClient> connect(const Identity& identity, const std::string& endpoint, int stop_fd);

  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }

  // Whether the last request was answered, be it by a refusal: tells a coordinator that refuses from one that is away.
  [[nodiscard]] bool answered() const { return answered_; }

  Result<wire::Submitted> submit(wire::Submission submission);
  Result<wire::JobReply> job(JobId job);
  Result<std::vector<wire::JobStatus>> jobs();
  Result<std::vector<wire::WorkerStatus>> workers();
  Result<> cancel(JobId job);
  Result<> drain(WorkerId worker);
  Result<> delivered(JobId job);
  Result<wire::BackupReply> make_backup(const std::string& name);

  // Bytes over the data socket, with resume over lost messages and connections. `data_endpoint` is as the coordinator
  // announced it. `on_bytes` is told how many bytes are across, often.
  using OnBytes = std::function<void(std::uint64_t bytes)>;
  Result<> upload(const std::string& data_endpoint, const wire::Artifact& artifact, const wire::ArtifactFacts& facts, int source,
                  const OnBytes& on_bytes);
  Result<> download(const std::string& data_endpoint, const wire::Artifact& artifact, const wire::ArtifactFacts& facts, int into,
                    const OnBytes& on_bytes);

 private:
  explicit FarmClient(const Identity& identity) : identity_(identity) {}
  template <class Answer, class Request>
  Result<Answer> ask(Request request);
  Result<wire::Control> exchange(std::uint64_t request, const std::string& bytes);
  Result<std::optional<wire::Control>> receive_answer(std::uint64_t request);
  Result<Connector*> data_socket(const std::string& announced);
  // Waits for a message, for room where `for_room`, or until `until`. kCancelled when asked to stop.
  Result<> wait(const Connector& socket, bool for_room, Instant until);

  Identity identity_;
  std::unique_ptr<Context> context_;  // before the sockets: it is destroyed after them
  std::string routing_id_;
  std::string endpoint_;
  int stop_fd_ = -1;
  std::optional<Connector> control_;
  std::optional<Connector> data_;
  std::string data_endpoint_;
  Poller poller_;
  std::uint64_t last_request_ = 0;
  bool answered_ = false;
};

}  // namespace gopmill
