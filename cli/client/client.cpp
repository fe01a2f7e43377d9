#include "cli/client/client.h"

#include <algorithm>
#include <span>
#include <utility>
#include <variant>

#include "base/file.h"
#include "media/build.h"
#include "proto/codec.h"
#include "proto/transfer.h"

namespace gopmill {

namespace {

Fault interrupted() { return {FaultKind::kCancelled, "interrupted"}; }

Fault no_answer(const std::string& endpoint) {
  return {FaultKind::kUnavailable,
          "no coordinator answers at " + endpoint + ": start one with `gopmill coordinator`, or name another with --connect"};
}

// Which request a message answers; nullopt for what is no answer.
std::optional<std::uint64_t> answered_request(const wire::Control& message) {
  return std::visit(
      [](const auto& m) -> std::optional<std::uint64_t> {
        if constexpr (requires { m.request; }) return m.request;
        return std::nullopt;
      },
      message);
}

// True once it is on its way; false: try again when there is room.
bool send(Connector& socket, const wire::Data& message) { return socket.send(wire::encode(message)) == SendOutcome::kSent; }

}  // namespace

Result<FarmClient> FarmClient::connect(const Identity& identity, const std::string& endpoint, int stop_fd) {
  FarmClient client(identity);
  client.context_ = std::make_unique<Context>();
  client.routing_id_ = random_routing_id();
  client.endpoint_ = endpoint;
  client.stop_fd_ = stop_fd;
  client.control_ = TRY(Connector::connect(*client.context_, identity, Plane::kControl, endpoint, client.routing_id_));
  return client;
}

Result<> FarmClient::wait(const Connector& socket, bool for_room, Instant until) {
  poller_.clear();
  poller_.watch(socket, for_room ? Poller::Interest::kBoth : Poller::Interest::kRead);
  if (stop_fd_ >= 0) poller_.watch(stop_fd_);
  poller_.wait(std::max(Duration{0}, until - monotonic_now()));
  if (stop_fd_ >= 0 && poller_.readable(stop_fd_)) return std::unexpected(interrupted());
  return {};
}

Result<std::optional<wire::Control>> FarmClient::receive_answer(std::uint64_t request) {
  while (const auto bytes = control_->receive()) {
    auto message = wire::decode_control(*bytes);
    if (!message) {
      return fail(FaultKind::kUnavailable,
                  "what answers at " + endpoint_ + " is no coordinator of this version: " + message.error().text);
    }
    // An answer to an earlier request that came late is no news.
    if (answered_request(*message) == request) return std::optional(std::move(*message));
  }
  return std::optional<wire::Control>();
}

Result<wire::Control> FarmClient::exchange(std::uint64_t request, const std::string& bytes) {
  const Instant started = monotonic_now();
  Instant ask_at = started;
  while (true) {
    const Instant now = monotonic_now();
    if (now - started >= kAnswerTimeMax) return std::unexpected(no_answer(endpoint_));
    bool for_room = false;
    if (now >= ask_at) {
      for_room = control_->send(std::string(bytes)) != SendOutcome::kSent;
      if (!for_room) ask_at = now + kAskAgainEvery;
    }
    const Instant give_up_at = started + kAnswerTimeMax;
    TRY(wait(*control_, for_room, for_room ? give_up_at : std::min(ask_at, give_up_at)));
    if (auto answer = TRY(receive_answer(request))) return std::move(*answer);
  }
}

template <class Answer, class Request>
Result<Answer> FarmClient::ask(Request request) {
  request.request = ++last_request_;
  answered_ = false;
  wire::Control answer = TRY(exchange(last_request_, wire::encode(wire::Control(std::move(request)))));
  answered_ = true;
  if (auto* refused = std::get_if<wire::Refused>(&answer)) return std::unexpected(std::move(refused->fault));
  if (auto* wanted = std::get_if<Answer>(&answer)) return std::move(*wanted);
  return fail(FaultKind::kUnavailable, "the coordinator at " + endpoint_ + " answered something else than was asked");
}

Result<wire::Submitted> FarmClient::submit(wire::Submission submission) {
  return ask<wire::Submitted>(wire::Submit{.build = build_identity(), .submission = std::move(submission)});
}

Result<wire::JobReply> FarmClient::job(JobId job) { return ask<wire::JobReply>(wire::JobQuery{.request = 0, .job = job}); }

Result<std::vector<wire::JobStatus>> FarmClient::jobs() { return std::move(TRY(ask<wire::JobsReply>(wire::JobsQuery{})).jobs); }

Result<std::vector<wire::WorkerStatus>> FarmClient::workers() {
  return std::move(TRY(ask<wire::WorkersReply>(wire::WorkersQuery{})).workers);
}

Result<> FarmClient::cancel(JobId job) {
  TRY(ask<wire::Done>(wire::CancelJob{.request = 0, .job = job}));
  return {};
}

Result<> FarmClient::drain(WorkerId worker) {
  TRY(ask<wire::Done>(wire::DrainWorker{0, worker}));
  return {};
}

Result<> FarmClient::delivered(JobId job) {
  TRY(ask<wire::Done>(wire::JobDelivered{.request = 0, .job = job}));
  return {};
}

Result<wire::BackupReply> FarmClient::make_backup(const std::string& name) {
  return ask<wire::BackupReply>(wire::MakeBackup{.request = 0, .name = name});
}

// ---- Bulk bytes ----

Result<Connector*> FarmClient::data_socket(const std::string& announced) {
  const std::string endpoint = endpoint_seen_from(endpoint_, announced);
  if (!data_ || endpoint != data_endpoint_) {
    data_.reset();
    data_ = TRY(Connector::connect(*context_, identity_, Plane::kData, endpoint, routing_id_));
    data_endpoint_ = endpoint;
  }
  return &*data_;
}

Result<> FarmClient::upload(const std::string& data_endpoint, const wire::Artifact& artifact, const wire::ArtifactFacts& facts,
                            int source, const OnBytes& on_bytes) {
  Connector& socket = *TRY(data_socket(data_endpoint));
  Upload transfer(artifact, facts, monotonic_now());
  std::optional<wire::Data> request = transfer.start();
  while (!transfer.ended()) {
    bool room = true;
    if (request) {
      room = send(socket, *request);
      if (room) request.reset();
    }
    // The credit bounds this loop. A chunk there is no room for is read again later: by then another one may be wanted.
    while (room && transfer.next()) {
      const Piece piece = *transfer.next();
      std::string bytes(piece.bytes, '\0');
      if (TRY(read_at(source, piece.offset, std::as_writable_bytes(std::span(bytes)))) != bytes.size()) {
        return fail(FaultKind::kInput, "the source became shorter while it was sent");
      }
      room = send(socket, make_chunk(artifact, piece.offset, std::move(bytes)));
      if (room) transfer.advance();
    }
    TRY(wait(socket, !room, transfer.due()));
    while (const auto bytes = socket.receive()) transfer.handle(TRY(wire::decode_data(*bytes)), monotonic_now());
    if (monotonic_now() >= transfer.due()) {
      if (auto again = transfer.tick(monotonic_now())) request = std::move(again);
    }
    on_bytes(transfer.offset());
  }
  if (transfer.fault()) return std::unexpected(*transfer.fault());
  return {};
}

Result<> FarmClient::download(const std::string& data_endpoint, const wire::Artifact& artifact, const wire::ArtifactFacts& facts,
                              int into, const OnBytes& on_bytes) {
  Connector& socket = *TRY(data_socket(data_endpoint));
  Download transfer(artifact, facts, monotonic_now());
  std::optional<wire::Data> request;
  const auto follow = [&](Download::Step step) -> Result<> {
    if (!step.write.empty()) TRY(write_at(into, step.write_offset, std::as_bytes(std::span(step.write))));
    // A later request replaces an earlier one that there was no room for: it knows more.
    if (step.send) request = std::move(step.send);
    return {};
  };
  TRY(follow(transfer.start()));
  while (!transfer.ended()) {
    if (request && send(socket, *request)) request.reset();
    TRY(wait(socket, request.has_value(), transfer.due()));
    while (const auto bytes = socket.receive()) {
      TRY(follow(transfer.handle(TRY(wire::decode_data(*bytes)), monotonic_now())));
      if (request && send(socket, *request)) request.reset();
    }
    if (monotonic_now() >= transfer.due()) TRY(follow(transfer.tick(monotonic_now())));
    on_bytes(transfer.offset());
  }
  if (transfer.fault()) return std::unexpected(*transfer.fault());
  return {};
}

}  // namespace gopmill
