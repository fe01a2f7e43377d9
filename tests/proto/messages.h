#pragma once

#include <cstddef>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "proto/messages.h"

// One of every message, with every field set to something that is not its default, in the order of the variants.

namespace gopmill::wire::tests {

// The place of a message in its variant.
template <class Message, class Plane, std::size_t I = 0>
constexpr std::size_t find_index() {
  if constexpr (std::is_same_v<std::variant_alternative_t<I, Plane>, Message>) {
    return I;
  } else {
    return find_index<Message, Plane, I + 1>();
  }
}
template <class Message, class Plane>
inline constexpr std::size_t index_of = find_index<Message, Plane>();

inline JobStatus job_status() {
  return {.job = JobId{12},
          .source_name = "f\xC3\xAAte.mov",
          .profile_name = "phone",
          .output_base = "f\xC3\xAAte",
          .output_folder = "/home/b/o\xFFt",
          .state = JobState::kRunning,
          .priority = 70,
          .submitted_unix_ms = 1'790'000'000'123,
          .elapsed = Duration{61'000},
          .media = Duration{3'600'000},
          .tasks_done = 5,
          .tasks_total = 361,
          .tasks_running = 4,
          .attempts_lost = 2,
          .workers_busy = 3,
          .slots_total = 8,
          .work_done = 0.25,
          .eta = Duration{0},
          .renditions = {{"720p", 10, 100}, {"360p", 11, 100}},
          .fault = Fault{FaultKind::kPoison, "task 3 killed its child"},
          .files = {{OutputKind::kRendition, "f_720p.mp4", std::string(64, 'a'), {1000, 77}},
                    {OutputKind::kReport, "report.json", std::string(64, 'b'), {10, 78}}},
          .notes = {"1080p dropped: the source has 432 lines", "twice"},
          .delivered = true};
}

inline std::vector<Control> every_control() {
  const TaskId task{JobId{12}, 3};
  const std::vector<RunningTask> running = {{task, 2, 240}, {{JobId{13}, 0}, 1, 0}};
  return {
      WorkerHello{kProtocolVersion + 1, "gopmill 0.1.0", "host/17", 4, running, {{"aac", "libx264"}, {"av1", "h264", "hevc"}}},
      Welcome{WorkerId{9}, "gopmill 0.1.0", "tcp://*:7401", Duration{500}, Duration{1500}},
      Refused{41, {FaultKind::kUnavailable, "too many jobs"}},
      Heartbeat{WorkerId{9}, running, true},
      HeartbeatAck{WorkerId{9}, running},
      UnknownWorker{WorkerId{9}},
      Assign{WorkerId{9}, task, 2, {123'456, 0xFEDCBA9876543210}, 3, Duration{60'000}},
      TaskDone{WorkerId{9}, task, 2, std::string("\0\xFFresult", 8), {{10, 1}, {20, 2}}},
      TaskFailed{WorkerId{9}, task, 2, {FaultKind::kInput, "frame 7 cannot be decoded"}},
      TaskSettled{WorkerId{9}, task, 2},
      Goodbye{WorkerId{9}},
      Submit{.request = 42,
             .protocol = kProtocolVersion + 1,
             .build = "gopmill 0.1.0",
             .submission = {.key = "a-key",
                            .source_name = "f\xC3\xAAte.mov",
                            .source_bytes = 5'000'000'000,
                            .source_hash = 0x8000000000000001,
                            .local_path = "/videos/f\xEAte.mov",
                            .profile_name = "phone",
                            .profile_yaml = "renditions: []\n",
                            .priority = 100,
                            .slots_max = 3,
                            .output_base = "f\xC3\xAAte",
                            .output_folder = "/home/b/out"}},
      Submitted{42, JobId{12}, "tcp://10.0.0.1:7401", true},
      JobQuery{43, JobId{12}},
      JobsQuery{44},
      WorkersQuery{45},
      CancelJob{46, JobId{12}},
      JobDelivered{47, JobId{12}},
      JobReply{43, job_status(), "tcp://*:7401"},
      JobsReply{44, {job_status(), job_status()}},
      WorkersReply{45,
                   {{WorkerId{9},
                     "host/17",
                     "gopmill 0.1.0",
                     4,
                     2,
                     100,
                     1,
                     Duration{250},
                     WorkerState::kSetAside,
                     Duration{9000},
                     {"aac"}}}},
      Done{46},
      Drain{WorkerId{9}},
      DrainWorker{48, WorkerId{9}},
      MakeBackup{49, "nightly-2026-11-21"},
      BackupReply{49, "/srv/gopmill/backups/nightly-2026-11-21.db", true},
  };
}

inline std::vector<Data> every_data() {
  const Artifact artifact{ArtifactKind::kTaskOutput, JobId{12}, 3, 2, 1};
  return {
      Fetch{artifact, 4096, kCreditBytes},
      Store{artifact, {123'456, 0xFEDCBA9876543210}},
      Grant{artifact, 8192, kChunkBytes, 4096},
      Chunk{artifact, 8192, 0xFEDCBA9876543210, std::string("\0\xFF chunk", 8)},
      Stored{artifact},
      Denied{artifact, {FaultKind::kMachine, "no space left"}},
  };
}

}  // namespace gopmill::wire::tests
