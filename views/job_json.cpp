#include "views/job_json.h"

#include <algorithm>
#include <cmath>

#include "media/abilities.h"
#include "proto/job_state.h"
#include "views/json_text.h"

namespace gopmill {

namespace {

using views::Json;

Json job_object(const wire::JobStatus& s) {
  Json renditions = Json::array();
  for (const auto& r : s.renditions)
    renditions.push_back({{"name", r.name}, {"frames_done", r.frames_done}, {"frames_total", r.frames_total}});
  Json files = Json::array();
  for (const auto& f : s.files)
    files.push_back({{"name", f.name}, {"kind", output_kind_word(f.kind)}, {"bytes", f.facts.bytes}, {"sha256", f.sha256}});
  return {{"job", s.job.value},
          {"source", s.source_name},
          {"profile", s.profile_name},
          {"state", wire::job_state_word(s.state)},
          {"priority", s.priority},
          {"submitted_unix_ms", s.submitted_unix_ms},
          {"elapsed_ms", s.elapsed.count()},
          {"media_ms", s.media.count()},
          {"percent", percent_done(s)},
          {"eta_ms", s.eta < Duration{0} ? Json(nullptr) : Json(s.eta.count())},
          {"tasks", {{"done", s.tasks_done}, {"total", s.tasks_total}, {"running", s.tasks_running}}},
          {"attempts_lost", s.attempts_lost},
          {"workers_busy", s.workers_busy},
          {"slots_total", s.slots_total},
          {"renditions", std::move(renditions)},
          {"output_folder", s.output_folder},
          {"output_base", s.output_base},
          {"files", std::move(files)},
          {"notes", s.notes},
          {"delivered", s.delivered},
          {"fault", views::fault_object(s.fault)}};
}

}  // namespace

int percent_of(double share) { return static_cast<int>(std::floor(std::clamp(share, 0.0, 1.0) * 100 + 1e-9)); }

int percent_done(const wire::JobStatus& status) {
  return percent_of(status.state == wire::JobState::kDone ? 1 : status.work_done);
}

int percent_done(const wire::RenditionProgress& rendition) {
  if (rendition.frames_total == 0) return 0;
  return percent_of(static_cast<double>(rendition.frames_done) / static_cast<double>(rendition.frames_total));
}

std::string job_json(const wire::JobStatus& status) { return views::indented(job_object(status)); }

std::string jobs_json(const std::vector<wire::JobStatus>& jobs) {
  Json list = Json::array();
  for (const auto& job : jobs) list.push_back(job_object(job));
  return views::indented(list);
}

std::vector<std::string> lacking_encoders(const wire::WorkerStatus& worker) {
  std::vector<std::string> lacking;
  if (worker.encoders.empty()) return lacking;
  for (const std::string& name : known_encoders()) {
    if (std::ranges::find(worker.encoders, name) == worker.encoders.end()) lacking.push_back(name);
  }
  return lacking;
}

std::string workers_json(const std::vector<wire::WorkerStatus>& workers) {
  Json list = Json::array();
  for (const auto& w : workers) {
    list.push_back({{"worker", w.worker.value},
                    {"name", w.name},
                    {"build", w.build},
                    {"slots", w.slots},
                    {"busy", w.busy},
                    {"tasks_done", w.tasks_done},
                    {"tasks_failed", w.tasks_failed},
                    {"silent_ms", w.silent.count()},
                    {"state", wire::worker_state_word(w.state)},
                    {"aside_for_ms", w.aside_for.count()},
                    {"encoders", w.encoders},
                    {"without", lacking_encoders(w)}});
  }
  return views::indented(list);
}

std::string outcome_json(const wire::JobStatus& status, const std::filesystem::path& folder,
                         const std::vector<std::filesystem::path>& files, const std::optional<Fault>& fault) {
  Json paths = Json::array();
  for (const auto& path : files) paths.push_back(path.string());
  return views::line_of({{"job", status.job.value},
                         {"source", status.source_name},
                         {"state", wire::job_state_word(status.state)},
                         {"folder", folder.string()},
                         {"files", std::move(paths)},
                         {"report", files.empty() ? Json(nullptr) : Json(files.back().string())},
                         {"fault", views::fault_object(fault)}});
}

std::string submitted_json(JobId job, const std::string& source, const std::filesystem::path& folder) {
  return views::line_of({{"job", job.value}, {"source", source}, {"folder", folder.string()}});
}

}  // namespace gopmill
