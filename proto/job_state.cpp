#include "proto/job_state.h"

namespace gopmill::wire {

std::string_view job_state_word(JobState state) {
  switch (state) {
    case JobState::kUploading: return "uploading";
    case JobState::kQueued: return "queued";
    case JobState::kAnalysing: return "analysing";
    case JobState::kRunning: return "running";
    case JobState::kStitching: return "stitching";
    case JobState::kPackaging: return "packaging";
    case JobState::kVerifying: return "verifying";
    case JobState::kDone: return "done";
    case JobState::kFailed: return "failed";
    case JobState::kCancelled: return "cancelled";
  }
  return "unknown";
}

std::string_view worker_state_word(WorkerState state) {
  switch (state) {
    case WorkerState::kWorking: return "working";
    case WorkerState::kDraining: return "draining";
    case WorkerState::kSetAside: return "set aside";
    case WorkerState::kProbation: return "on probation";
    case WorkerState::kUnreachable: return "unreachable";
  }
  return "unknown";
}

}  // namespace gopmill::wire
