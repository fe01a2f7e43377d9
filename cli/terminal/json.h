#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "media/task/task.h"
#include "media/task/timeline.h"
#include "profiles/profile.h"
#include "proto/messages.h"

// What --json prints. Field names are stable: fields are added, never renamed or removed. Times end in _ms (milliseconds),
// _s (seconds) or _unix_ms; text that is not UTF-8 has U+FFFD for what is not. No side effects.

namespace gopmill {

// job, source, profile, state (uploading queued analysing running stitching verifying done failed cancelled), priority,
// submitted_unix_ms, elapsed_ms, media_ms (0 until planned), percent, eta_ms (null: unknown), tasks {done total running},
// attempts_lost, workers_busy, slots_total, renditions [{name frames_done frames_total}], output_folder, output_base,
// files [{name bytes sha256}], notes [text], delivered, fault {kind text} or null
std::string job_json(const wire::JobStatus& status);
std::string jobs_json(const std::vector<wire::JobStatus>& jobs);  // an array of them, newest first

// "working", "draining", "set aside", "on probation", "unreachable"
std::string_view worker_state_word(wire::WorkerState state);
// worker, name, build, slots, busy, tasks_done, tasks_failed, silent_ms, state, aside_for_ms
// Of known_encoders(), those it does not offer.
std::vector<std::string> lacking_encoders(const wire::WorkerStatus& worker);
std::string workers_json(const std::vector<wire::WorkerStatus>& workers);

// How a job that was waited for ended: job, source, state, folder, files [path], report (path or null), fault or null
std::string outcome_json(const wire::JobStatus& status, const std::filesystem::path& folder,
                         const std::vector<std::filesystem::path>& files, const std::optional<Fault>& fault);
// What `submit` without --wait prints per job: job, source, folder
std::string submitted_json(JobId job, const std::string& source, const std::filesystem::path& folder);

// name, container, bytes, video (null or {stream codec width height shown_width shown_height sample_aspect quarter_turns
// mirrored bit_depth interlaced scan scan_evidence alpha colour{primaries transfer matrix full_range} frames packets first_s last_s seconds fps
// keys clean_keys evidence evidence_reason starts_at_s}), audio [{stream codec sample_rate channels language title default packets
// bytes starts_after_video_s seconds}], audio_chosen, notes
std::string source_json(const std::string& name, const SourceFacts& facts);

// file, passed, bytes, sha256, seconds, frames, codecs, level, video_bits_per_s, audio_bits_per_s, audio_samples,
// checks [{name passed advisory found}]
std::string verdict_json(const std::string& file, bool passed, const FileReport& report);

// name, device, description, gop_s, segment_s, container, audio (null or {codec bits_per_s channels tracks (default, all or
// [languages]) loudness_lufs (null: as the source) true_peak_dbtp}), renditions [{name
// codec height (null: the source's) fps fps_max quality bits_per_s maxrate bufsize preset profile level options}]
std::string profile_json(const Profile& profile);
std::string profiles_json(const std::vector<Profile>& profiles);

// file, good, error (null or text)
std::string profile_check_json(const std::string& file, const std::optional<Fault>& fault);

}  // namespace gopmill
