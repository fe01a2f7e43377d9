#include "coordinator/jobs/job_cards.h"

#include <algorithm>

namespace gopmill {

void JobCards::add(JobId job, const wire::Submission& submission, std::int64_t submitted_unix_ms) {
  Card& card = cards_[job];
  card.source_name = submission.source_name;
  card.profile_name = submission.profile_name;
  card.output_base = submission.output_base;
  card.output_folder = submission.output_folder;
  card.submitted_unix_ms = submitted_unix_ms;
}

void JobCards::fill(wire::JobStatus& status, std::uint64_t frames_done) const {
  const auto found = cards_.find(status.job);
  if (found == cards_.end()) return;
  const Card& card = found->second;
  status.source_name = card.source_name;
  status.profile_name = card.profile_name;
  status.output_base = card.output_base;
  status.output_folder = card.output_folder;
  status.submitted_unix_ms = card.submitted_unix_ms;
  status.media = card.finished.media;
  status.renditions = card.finished.renditions;
  const int place = life_place(status.state);
  const bool all_done = place >= life_place(wire::JobState::kStitching) && place <= life_place(wire::JobState::kDone);
  for (wire::RenditionProgress& rendition : status.renditions) {
    rendition.frames_done = all_done ? rendition.frames_total : std::min(frames_done, rendition.frames_total);
  }
  if (status.state == wire::JobState::kDone) status.files = card.finished.files;
  status.notes.insert(status.notes.end(), card.finished.notes.begin(), card.finished.notes.end());
}

void JobCards::trim(const std::map<JobId, std::unique_ptr<JobWork>>& keep) {
  for (auto it = cards_.begin(); it != cards_.end() && cards_.size() > kEndedKept + keep.size();) {
    it = keep.contains(it->first) ? std::next(it) : cards_.erase(it);
  }
}

}  // namespace gopmill
