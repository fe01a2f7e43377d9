#include "coordinator/service/backups.h"

namespace gopmill {

Result<BackupProgress> Backups::make(const std::string& name) {
  if (last_ && last_->first == name) {
    // What went wrong is told once: asked again, it is tried again.
    if (!last_->second) return std::unexpected(std::exchange(last_, {})->second.error());
    return BackupProgress{*last_->second, true};
  }
  if (current_ && current_->name() != name)
    return fail(FaultKind::kUnavailable, "backup " + current_->name() + " is being made: ask again");
  if (!current_) current_.emplace(TRY(Backup::begin(store_, folder_, name)));
  return BackupProgress{current_->path().string(), false};
}

void Backups::step() {
  if (!current_) return;
  const auto made = current_->step();
  if (made && !*made) return;
  if (made) {
    log_.info("backup " + current_->path().string() + " made");
    last_.emplace(current_->name(), current_->path().string());
  } else {
    log_.warn(made.error().text);
    last_.emplace(current_->name(), std::unexpected(made.error()));
  }
  current_.reset();
}

}  // namespace gopmill
