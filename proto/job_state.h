#pragma once

#include <string_view>

#include "proto/messages.h"

// What is known of a state of a job or a worker without knowing the job: its word, and its place in a job's life. Pure.

namespace gopmill::wire {

// "uploading", "queued", …: in logs, in --json, in what people read.
std::string_view job_state_word(JobState state);

// Done, failed or cancelled: nothing follows.
constexpr bool is_final(JobState state) {
  return state == JobState::kDone || state == JobState::kFailed || state == JobState::kCancelled;
}

// How far a job has come, rising by one from state to state up to kDone. The states' numbers do not say it: they are those of the
// wire and of the store, where a state that comes later gets the next free one.
constexpr int life_place(JobState state) {
  switch (state) {
    case JobState::kUploading: return 1;
    case JobState::kQueued: return 2;
    case JobState::kAnalysing: return 3;
    case JobState::kRunning: return 4;
    case JobState::kStitching: return 5;
    case JobState::kPackaging: return 6;
    case JobState::kVerifying: return 7;
    case JobState::kDone: return 8;
    case JobState::kFailed:
    case JobState::kCancelled: break;
  }
  return 9;
}

// Its source is whole, and the job goes on with it or is done.
constexpr bool has_its_source(JobState state) {
  return life_place(state) > life_place(JobState::kUploading) && life_place(state) <= life_place(JobState::kDone);
}

// "working", "draining", "set aside", "on probation", "unreachable"
std::string_view worker_state_word(WorkerState state);

}  // namespace gopmill::wire
