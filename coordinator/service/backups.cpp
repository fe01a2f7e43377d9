#include "coordinator/service/backups.h"

namespace gopmill {

Result<BackupProgress> Backups::make(const std::string& name, Instant now) {
  std::erase_if(over_, [&](const auto& entry) { return now - entry.second.since > kBackupToldMax; });
  if (const auto over = over_.find(name); over != over_.end()) {
    if (over->second.outcome) return BackupProgress{*over->second.outcome, true};
    // What went wrong is told once: asked again, it is tried again.
    const auto failed = over_.extract(over);
    return std::unexpected(failed.mapped().outcome.error());
  }
  if (current_ && current_->name() != name)
    return fail(FaultKind::kUnavailable, "backup " + current_->name() + " is being made: ask again");
  if (!current_) current_.emplace(TRY(Backup::begin(store_, folder_, name)));
  return BackupProgress{current_->path().string(), false};
}

void Backups::step(Instant now) {
  if (!current_) return;
  const auto made = current_->step();
  if (made && !*made) return;
  if (made) {
    log_.info("backup " + current_->path().string() + " made");
    over_.insert_or_assign(current_->name(), Over{current_->path().string(), now});
  } else {
    log_.warn(made.error().text);
    over_.insert_or_assign(current_->name(), Over{std::unexpected(made.error()), now});
  }
  current_.reset();
}

}  // namespace gopmill
