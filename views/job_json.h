#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "proto/messages.h"

// Jobs and workers as JSON.
// Field names are stable: fields are added, never renamed or removed. Times end in _ms (milliseconds), _s (seconds) or _unix_ms; text
// that is not UTF-8 has U+FFFD for what is not. No side effects.

namespace gopmill {

// Whole percent of the work that is done; rounds down, so that 100 means all.
int percent_done(const wire::JobStatus& status);
int percent_done(const wire::RenditionProgress& rendition);
int percent_of(double share);

// job, source, profile, state (uploading queued analysing running stitching packaging verifying done failed cancelled), priority,
// submitted_unix_ms, elapsed_ms, media_ms (0 until planned), percent, eta_ms (null: unknown), tasks {done total running},
// attempts_lost, workers_busy, slots_total, renditions [{name frames_done frames_total}], output_folder, output_base,
// files [{name kind (rendition, subtitles, report) bytes sha256}], notes [text], delivered, fault {kind text} or null
std::string job_json(const wire::JobStatus& status);
std::string jobs_json(const std::vector<wire::JobStatus>& jobs);  // an array of them, newest first

// Of known_encoders(), those that the worker does not offer; none of a worker whose coordinator lists none.
std::vector<std::string> lacking_encoders(const wire::WorkerStatus& worker);
// worker, name, build, slots, busy, tasks_done, tasks_failed, silent_ms, state, aside_for_ms, encoders [name], without [name]
std::string workers_json(const std::vector<wire::WorkerStatus>& workers);

// How a job that was waited for ended: job, source, state, folder, files [path], report (path or null), fault or null
std::string outcome_json(const wire::JobStatus& status, const std::filesystem::path& folder,
                         const std::vector<std::filesystem::path>& files, const std::optional<Fault>& fault);
// What `submit` without --wait prints per job: job, source, folder
std::string submitted_json(JobId job, const std::string& source, const std::filesystem::path& folder);

}  // namespace gopmill
