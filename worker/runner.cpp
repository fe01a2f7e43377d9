#include "worker/runner.h"

#include <algorithm>

#include "base/hash.h"

namespace gopmill {

namespace {

// Every frame is a word. The slowest takes seconds: 8K by x265's slowest preset.
constexpr Duration kChildSilentCpuMax{300'000};

const wire::Artifact& artifact_of(const wire::Data& message) {
  return std::visit([](const auto& m) -> const wire::Artifact& { return m.artifact; }, message);
}

}  // namespace

Result<AttemptRun> AttemptRun::fetch(const orders::FetchInput& order, const std::filesystem::path& temporary, Instant now) {
  AttemptRun run(order.task, order.attempt, temporary);
  run.input_ = TRY(temporary_file(temporary));
  run.download_.emplace(wire::Artifact{wire::ArtifactKind::kTaskInput, order.task.job, order.task.index, 0, 0}, order.facts, now);
  run.apply(run.download_->start());
  return run;
}

wire::Artifact AttemptRun::output(std::uint32_t part) const {
  return {wire::ArtifactKind::kTaskOutput, task_.job, task_.index, attempt_, part};
}

void AttemptRun::apply(Download::Step step) {
  if (!step.write.empty() && !write_fault_) {
    auto written = write_at(input_.get(), step.write_offset, std::as_bytes(std::span(step.write)));
    if (!written) write_fault_ = std::move(written.error()).within("storing the input of a task");
  }
  if (step.send) messages_.push_back(std::move(*step.send));
}

Result<> AttemptRun::start_child(const orders::StartChild& order, Instant now) {
  std::vector<int> fds{input_.get()};
  for (std::uint32_t part = 0; part < order.outputs; ++part) {
    outputs_.push_back(TRY(temporary_file(temporary_)));
    fds.push_back(outputs_.back().get());
  }
  const ChildLimits limits{.wall_max = order.time_max, .silent_cpu_max = kChildSilentCpuMax};
  child_.emplace(TRY(MediaChild::start(ChildWork::kTask, "", fds, limits, now)));
  return {};
}

void AttemptRun::store(const orders::StoreOutputs& order, Instant now) {
  for (std::uint32_t part = 0; part < order.outputs.size(); ++part) {
    uploads_.emplace_back(output(part), order.outputs[part], now);
    messages_.push_back(uploads_.back().start());
  }
}

bool AttemptRun::owns(const wire::Artifact& artifact) const {
  if (artifact.job != task_.job || artifact.index != task_.index) return false;
  return artifact.kind == wire::ArtifactKind::kTaskInput ||
         (artifact.kind == wire::ArtifactKind::kTaskOutput && artifact.attempt == attempt_ && artifact.part < uploads_.size());
}

void AttemptRun::receive(wire::Data message, Instant now) {
  const wire::Artifact artifact = artifact_of(message);
  if (artifact.kind == wire::ArtifactKind::kTaskOutput) {
    uploads_[artifact.part].handle(message, now);
  } else if (download_) {
    apply(download_->handle(std::move(message), now));
  }
}

std::optional<int> AttemptRun::child_fd() const { return child_ ? std::optional(child_->event_fd()) : std::nullopt; }

std::vector<Seen> AttemptRun::poll(Instant now) {
  std::vector<Seen> out;
  if (child_) {
    for (ChildEvent& event : child_->poll(now)) {
      if (auto* progress = std::get_if<ChildProgress>(&event))
        out.emplace_back(seen::ChildProgressed{task_, attempt_, progress->done});
      if (auto* ended = std::get_if<ChildEnded>(&event)) {
        child_.reset();
        report_child(std::move(*ended), out);
        break;
      }
    }
  }
  if (download_ && !download_->ended() && now >= download_->due()) apply(download_->tick(now));
  for (Upload& upload : uploads_) {
    if (upload.ended() || now < upload.due()) continue;
    if (auto message = upload.tick(now)) messages_.push_back(std::move(*message));
  }
  report_transfers(out);
  return out;
}

void AttemptRun::report_child(ChildEnded ended, std::vector<Seen>& out) {
  if (!ended.result) {
    out.emplace_back(seen::ChildFailed{task_, attempt_, std::move(ended.result.error())});
    return;
  }
  input_.reset();
  seen::ChildDone done{task_, attempt_, std::move(*ended.result), {}};
  for (const Fd& file : outputs_) {
    const auto size = file_size(file.get());
    const auto hash = file_hash(file.get());
    if (!size || !hash) {
      out.emplace_back(seen::ChildFailed{task_, attempt_, !size ? size.error() : hash.error()});
      return;
    }
    done.outputs.push_back({*size, *hash});
  }
  out.emplace_back(std::move(done));
}

// Each end of a transfer is told once.
void AttemptRun::report_transfers(std::vector<Seen>& out) {
  if (download_ && (download_->ended() || write_fault_)) {
    const std::optional<Fault> fault = write_fault_ ? write_fault_ : download_->fault();
    if (fault) {
      out.emplace_back(seen::TransferFailed{task_, attempt_, *fault});
    } else {
      out.emplace_back(seen::InputFetched{task_, attempt_});
    }
    download_.reset();
  }
  if (uploads_.empty()) return;
  const auto failed = std::find_if(uploads_.begin(), uploads_.end(), [](const Upload& u) { return u.fault().has_value(); });
  if (failed != uploads_.end()) {
    out.emplace_back(seen::TransferFailed{task_, attempt_, *failed->fault()});
    uploads_.clear();
  } else if (std::all_of(uploads_.begin(), uploads_.end(), [](const Upload& u) { return u.done(); })) {
    out.emplace_back(seen::OutputsStored{task_, attempt_});
    uploads_.clear();
    outputs_.clear();
  }
}

std::vector<wire::Data> AttemptRun::take_messages() { return std::exchange(messages_, {}); }

Upload* AttemptRun::sending() {
  const auto found = std::find_if(uploads_.begin(), uploads_.end(), [](const Upload& u) { return u.next().has_value(); });
  return found == uploads_.end() ? nullptr : &*found;
}

bool AttemptRun::wants_to_send() const {
  return std::any_of(uploads_.begin(), uploads_.end(), [](const Upload& u) { return u.next().has_value(); });
}

Result<std::optional<wire::Chunk>> AttemptRun::next_chunk() {
  Upload* upload = sending();
  if (!upload) return std::optional<wire::Chunk>();
  const Piece piece = *upload->next();
  const auto part = static_cast<std::uint32_t>(upload - uploads_.data());
  std::string bytes(piece.bytes, '\0');
  if (TRY(read_at(outputs_[part].get(), piece.offset, std::as_writable_bytes(std::span(bytes)))) != piece.bytes) {
    return fail(FaultKind::kMachine, "an output is shorter than it was");
  }
  return std::optional(make_chunk(output(part), piece.offset, std::move(bytes)));
}

void AttemptRun::sent() {
  if (Upload* upload = sending()) upload->advance();
}

}  // namespace gopmill
