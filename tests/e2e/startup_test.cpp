// A coordinator with a full house behind it goes on where it was, and answers before it has planned all of it again. How
// long that takes is printed, for whoever asks; two seconds are promised.

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/archive.h"
#include "base/check.h"
#include "base/hash.h"
#include "coordinator/plan/plan.h"
#include "coordinator/spool/spool.h"
#include "coordinator/store/store.h"
#include "tests/e2e/farm.h"
#include "tests/support/source_builder.h"

namespace gopmill::e2e {
namespace {

using wire::JobState;

constexpr const char* kProfile =
    "name: three\nrendition: {codec: h264}\n"
    "renditions:\n  - {height: 720, quality: 24}\n  - {height: 480, quality: 24}\n  - {height: 240, quality: 24}\n";
// As many jobs as may be active, of so many segments of 10 s that there are 10,000 in all.
constexpr int kActiveJobs = static_cast<int>(kActiveTotalMax);
constexpr std::size_t kFrames = 25UL * 10 * 640;
constexpr int kQueuedJobs = 2'000;
constexpr int kEndedJobs = 20'000;

// What a coordinator left behind that was killed in the middle of it.
class FullHouse {
 public:
  explicit FullHouse(const std::filesystem::path& data) : store_(*open_store(data)), spool_(*Spool::open(data / "spool")) {
    for (int job = 0; job < kEndedJobs; job += kTogether) end_jobs();
    const SourceFacts source = test::clip().at(25).frames(kFrames).closed_gops(50).audio_after(0).facts();
    const auto profile = load_profile(kProfile, "three", {});
    GOPMILL_CHECK(profile);
    const auto plan = make_plan(source, *profile, "clip");
    GOPMILL_CHECK(plan);
    for (const PlannedTask& task : plan->tasks) {
      shapes_.emplace_back().kind = task.kind == PlannedTask::Kind::kAudio ? TaskKind::kAudio : TaskKind::kVideo;
      shapes_.back().outputs = task.outputs;
    }
    const std::string analysis = encode(source);
    for (int job = 0; job < kActiveJobs; ++job) run_job(analysis);
    for (int job = 0; job < kQueuedJobs; ++job) accept();
  }
  [[nodiscard]] std::size_t tasks() const { return shapes_.size() * kActiveJobs; }

 private:
  static constexpr int kTogether = 500;

  static Result<Store> open_store(const std::filesystem::path& data) {
    std::filesystem::create_directories(data);
    return Store::open(data / "gopmill.db");
  }
  JobId add() {
    wire::Submission submit;
    submit.key = "key " + std::to_string(++keys_);
    submit.source_name = "clip.mov";
    submit.source_hash = chunk_hash({});  // of the empty file that stands for it
    submit.profile_name = "three";
    submit.profile_yaml = kProfile;
    submit.output_base = "clip";
    submit.output_folder = "/srv/out";
    return store_.add(submit, 1'700'000'000'000)->job;
  }
  void record(const std::vector<Fact>& facts) { GOPMILL_CHECK(store_.record(facts)); }
  void end_jobs() {
    std::vector<Fact> facts;
    for (int i = 0; i < kTogether; ++i) {
      const JobId job = add();
      facts.insert(facts.end(), {facts::JobAccepted{job, 50, true}, facts::JobEnded{job, JobState::kDone, {}},
                                 facts::JobForgotten{job, true}});
    }
    record(facts);
  }
  JobId accept() {
    const JobId job = add();
    record({facts::JobAccepted{job, 50, true}, facts::JobEntered{job, JobState::kQueued}});
    GOPMILL_CHECK(spool_.make_job(job));
    const wire::Artifact source{wire::ArtifactKind::kSource, job, 0, 0, 0};
    GOPMILL_CHECK(spool_.create(source) && spool_.finish(source, false));
    return job;
  }
  // Every other task is committed.
  void run_job(const std::string& analysis) {
    const JobId job = accept();
    GOPMILL_CHECK(spool_.save_facts(job, analysis));
    std::vector<Fact> facts{facts::JobEntered{job, JobState::kAnalysing}, facts::JobPlanned{job, shapes_},
                            facts::JobEntered{job, JobState::kRunning}};
    TaskResult result;
    result.video.resize(3);
    for (std::uint32_t task = 0; task < shapes_.size(); task += 2) {
      facts.emplace_back(facts::TaskLeased{{job, task}, 1, WorkerId{1}});
      facts.emplace_back(facts::TaskCommitted{{job, task}, 1, encode(result), {{1'000, 1}, {2'000, 2}, {3'000, 3}}});
    }
    record(facts);
  }

  Store store_;
  Spool spool_;
  std::vector<TaskShape> shapes_;
  int keys_ = 0;
};

TEST(Startup, TenThousandSegmentsAreBackWhereTheyWere) {
  const Folder folder;
  const std::size_t tasks = FullHouse(folder / "left").tasks();
  EXPECT_GE(tasks, 10'000U);
  using Clock = std::chrono::steady_clock;
  const auto started = Clock::now();
  Farm farm(folder / "left");  // there once it has answered
  const double seconds = std::chrono::duration<double>(Clock::now() - started).count();
  std::cout << tasks << " segments in " << kActiveJobs << " jobs, " << kQueuedJobs << " jobs queued, " << kEndedJobs
            << " over: first answer after " << seconds << " s\n";
  // The clips never existed: their splitters fail as soon as they read. Until then each job is where it was.
  for (int i = 1; i <= kActiveJobs; ++i) {
    const auto job = nlohmann::json::parse(farm.ask({"job", std::to_string(kEndedJobs + i), "--json"}).out, nullptr, false);
    if (job.value("state", "") == "running") {
      EXPECT_EQ(job["tasks"].value("done", std::size_t{0}), (tasks / kActiveJobs + 1) / 2) << job.dump();
    } else {
      EXPECT_THAT(job["fault"].value("text", ""), testing::StartsWith("splitting: ")) << job.dump();
    }
  }
}

}  // namespace
}  // namespace gopmill::e2e
