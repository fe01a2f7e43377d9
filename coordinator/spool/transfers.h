#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "coordinator/spool/spool.h"
#include "proto/channel.h"
#include "proto/transfer.h"

namespace gopmill {

// The coordinator's end of the data socket: takes in sources and task outputs, hands out task inputs and results, all to
// and from the spool. Keeps no timers; the other ends repeat what was lost. Owned by the coordinator's loop.
// Why: docs/decisions/30-bytes-checked.md.
class Transfers {
 public:
  // Who may do what is asked at every Fetch and Store.
  struct Rights {
    // Whether anything can be said of this peer yet. A worker that has not said hello to a restarted coordinator is left
    // without an answer, and asks again; a denial would end its attempt.
    std::function<bool(const Peer&, const wire::Artifact&)> known;
    std::function<bool(const Peer&, const wire::Artifact&)> may_fetch;
    // Why it is not wanted, if so.
    std::function<Result<>(const Peer&, const wire::Store&)> may_store;
    // What the bytes of a task's input must be, while there is one.
    std::function<std::optional<wire::ArtifactFacts>(TaskId)> facts_of_input;
    // Asked when a write failed: whether the disk takes nothing more at the moment. Then senders wait.
    std::function<bool()> blocked;
  };
  Transfers(Listener listener, Spool& spool, Rights rights)
      : listener_(std::move(listener)), spool_(spool), rights_(std::move(rights)) {}

  [[nodiscard]] Listener& listener() { return listener_; }
  [[nodiscard]] const std::string& endpoint() const { return listener_.endpoint(); }

  // What became of uploads since the last call.
  struct Progressed {
    wire::Artifact artifact;
  };
  struct Arrived {
    wire::Artifact artifact;
  };  // whole, checked, synced, under its final name
  struct Broken {
    wire::Artifact artifact;
    Fault fault;
  };  // this machine cannot take it
  struct Damaged {
    wire::Artifact artifact;
    Fault fault;
  };  // an input that is not what was put into the spool, or is gone from it
  using News = std::variant<Progressed, Arrived, Broken, Damaged>;
  // Handles every waiting message; `malformed` is called for those that make no sense.
  std::vector<News> receive(const std::function<void(const Peer&, const Fault&)>& malformed);
  // Sends what windows allow, a bounded number of chunks. True: more waits, and sockets may be full; come back soon.
  bool send();
  // New sources wait while the disk has no room; their senders are told so.
  void hold_sources(bool hold) { sources_held_ = hold; }

  // Tells the sender of an arrived artifact; for a source only once its arrival is recorded.
  void confirm(const wire::Artifact& artifact);
  // A source that arrived in an earlier life of the coordinator: its sender may not have been told.
  void recall(const wire::Artifact& source, const wire::ArtifactFacts& facts) { stored_[source] = facts; }
  // What an output is known to be, if it is here whole, be it from before a restart.
  [[nodiscard]] std::optional<wire::ArtifactFacts> stored(const wire::Artifact& artifact);
  // Drops files and state of one attempt's outputs, or everything of a job (the spool's folder is the caller's).
  void discard_outputs(JobId job, std::uint32_t task, Attempt attempt);
  void forget_job(JobId job);

 private:
  struct Receiving {
    Peer peer;
    Fd file;
    ReceivingTransfer transfer;
  };
  struct Sending {
    Fd file;
    SendingTransfer transfer;
  };
  // What was read of an input from its start without a gap: checked when all of it was.
  struct Read {
    std::uint64_t offset = 0;
    ArtifactHash hash;
  };
  using SendKey = std::pair<Peer, wire::Artifact>;

  void answer(const Peer& peer, wire::Data message);
  void deny(const Peer& peer, const wire::Artifact& artifact, Fault fault) {
    answer(peer, wire::Denied{artifact, std::move(fault)});
  }
  void on_fetch(const Peer& peer, const wire::Fetch& fetch);
  void on_store(const Peer& peer, const wire::Store& store, std::vector<News>& news);
  void on_chunk(const Peer& peer, wire::Chunk chunk, std::vector<News>& news);
  void fail_receiving(const Peer& peer, const wire::Artifact& artifact, const Fault& fault, std::vector<News>& news);
  void finish(std::map<wire::Artifact, Receiving>::iterator receiving, std::vector<News>& news);
  // There is no room for this now: its sender asks again in its own time.
  void hold_back(const Peer& peer, const wire::Artifact& artifact) { answer(peer, wire::Grant{artifact, 0, 0, 0}); }
  enum class Outcome : std::uint8_t { kOne, kNothing, kFull, kOver };
  Outcome send_one(const SendKey& key, Sending& sending);
  void check_read(const SendKey& key, std::uint64_t offset, const std::string& bytes);
  void cannot_send(const Peer& peer, const wire::Artifact& artifact, Fault fault);
  [[nodiscard]] std::optional<wire::ArtifactFacts> expected(const wire::Artifact& artifact) const;

  Listener listener_;
  Spool& spool_;
  Rights rights_;
  std::map<wire::Artifact, Receiving> receiving_;
  std::map<wire::Artifact, wire::ArtifactFacts> stored_;  // sources and outputs that are here whole
  std::map<wire::Artifact, Peer> senders_;                // of those, whom to confirm to
  std::map<SendKey, Sending> sending_;
  std::map<SendKey, Read> read_;
  std::vector<News> damaged_;  // found while sending
  bool sources_held_ = false;
};

}  // namespace gopmill
