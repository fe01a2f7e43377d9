#include "coordinator/service/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <utility>

#include "coordinator/spool/finished.h"
#include "tests/coordinator/service/service_house.h"

namespace gopmill {
namespace {

using test::submission;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using wire::JobState;

// What became of a request: nothing yet, an answer, or a refusal. Answered twice is a failure.
template <class Answer>
class Asked {
 public:
  Reply<Answer> reply() {
    return [this](Result<Answer> answer) {
      EXPECT_FALSE(answer_.has_value()) << "answered twice";
      answer_.emplace(std::move(answer));
    };
  }
  [[nodiscard]] bool answered() const { return answer_.has_value(); }
  [[nodiscard]] bool good() const { return answer_ && *answer_; }
  [[nodiscard]] const Answer& operator*() const { return **answer_; }
  [[nodiscard]] const Answer* operator->() const { return &**answer_; }
  [[nodiscard]] Fault fault() const {
    return answer_ && !*answer_ ? answer_->error() : Fault{FaultKind::kInternal, "no refusal"};
  }

 private:
  std::optional<Result<Answer>> answer_;
};
struct Nothing {};
// Of requests that are answered by nothing but that they are carried out.
class Told {
 public:
  Reply<> reply() {
    return [inner = asked_.reply()](Result<> answer) {
      inner(answer ? Result<Nothing>(Nothing{}) : Result<Nothing>(std::unexpected(answer.error())));
    };
  }
  [[nodiscard]] bool answered() const { return asked_.answered(); }
  [[nodiscard]] bool good() const { return asked_.good(); }
  [[nodiscard]] Fault fault() const { return asked_.fault(); }

 private:
  Asked<Nothing> asked_;
};

class ServiceTest : public testing::Test, protected test::ServiceHouse {
 protected:
  JobId accepted(const std::string& key) {
    Asked<Accepted> asked;
    service->submit(submission(key), now, asked.reply());
    settle();
    GOPMILL_CHECK(asked.good());
    return asked->job;
  }
  Asked<wire::JobStatus> asked_for(JobId job) {
    Asked<wire::JobStatus> status;
    service->job(job, status.reply());
    settle();
    return status;
  }
  Fault refusal(wire::Submission wanted) {
    Asked<Accepted> asked;
    service->submit(std::move(wanted), now, asked.reply());
    EXPECT_TRUE(asked.answered()) << "a refusal waits for nothing";
    EXPECT_THAT(events, IsEmpty());
    return asked.fault();
  }
};

TEST_F(ServiceTest, AcceptsAJobOnceThatIsRecorded) {
  Asked<Accepted> asked;
  service->submit(submission("a"), now, asked.reply());
  EXPECT_FALSE(asked.answered()) << "nothing is on disk yet";
  settle();
  ASSERT_TRUE(asked.good());
  EXPECT_TRUE(asked->upload_wanted);
  const auto recorded = store->submission(asked->job);
  ASSERT_TRUE(recorded && *recorded);
  EXPECT_EQ((*recorded)->submission, submission("a"));
  EXPECT_EQ(jobs->source_bytes(), 1'000U);
}

TEST_F(ServiceTest, TheSameKeyIsTheSameJob) {
  Asked<Accepted> first, again, later;
  service->submit(submission("a"), now, first.reply());
  service->submit(submission("a"), now, again.reply());
  settle();
  ASSERT_TRUE(first.good());
  ASSERT_TRUE(again.good()) << "both waited for the same record";
  EXPECT_EQ(first->job, again->job);
  service->submit(submission("a"), now, later.reply());
  EXPECT_FALSE(later.answered());
  settle();
  ASSERT_TRUE(later.good());
  EXPECT_EQ(later->job, first->job);
  EXPECT_TRUE(later->upload_wanted);

  wire::Submission other = submission("a");
  other.source_hash = 8;
  EXPECT_THAT(refusal(other).text, HasSubstr("the key \"a\" is that of job 1, which has another source or profile"));
  EXPECT_EQ(refusal(other).kind, FaultKind::kUsage);
}

TEST_F(ServiceTest, TheSameKeyIsTheSameJobAfterItIsOver) {
  const JobId job = accepted("a");
  Told cancelled;
  service->cancel(job, now, cancelled.reply());
  settle();
  open({});
  Asked<Accepted> again;
  service->submit(submission("a"), now, again.reply());
  settle();
  ASSERT_TRUE(again.good());
  EXPECT_EQ(again->job, job);
  EXPECT_FALSE(again->upload_wanted);
}

TEST_F(ServiceTest, RefusesAtOnceAndKeepsNothing) {
  wire::Submission wanted = submission("a");
  wanted.local_path = "/etc/shadow";
  EXPECT_EQ(refusal(wanted), (Fault{FaultKind::kUsage, "this coordinator opens no paths that others name"}));
  wanted = submission("a");
  wanted.source_bytes = (1ULL << 42) + 1;
  EXPECT_EQ(refusal(wanted), (Fault{FaultKind::kInput, "the source is larger than 4 TiB"}));
  wanted = submission("a");
  wanted.profile_yaml = "renditions: 3\n";
  EXPECT_EQ(refusal(wanted).kind, FaultKind::kConfig);
  open({.source_bytes_max = 1'500});
  accepted("b");
  EXPECT_EQ(refusal(submission("a")).kind, FaultKind::kUnavailable);
  EXPECT_THAT(refusal(submission("a")).text, HasSubstr("would take 2000 bytes, more than the coordinator's --spool-max of 1500"));
  EXPECT_EQ(accepted("b"), JobId{1}) << "no refused one has taken an id, and the key of one that is here needs no room";
}

TEST_F(ServiceTest, OpensPathsThatOthersNameWhereTheyAreTrusted) {
  open({.trust_local_paths = true});
  wire::Submission wanted = submission("a");
  wanted.local_path = "/videos/a.mov";
  wanted.source_hash = 0;
  Asked<Accepted> asked;
  service->submit(wanted, now, asked.reply());
  settle();
  ASSERT_TRUE(asked.good());
  EXPECT_FALSE(asked->upload_wanted);
  EXPECT_EQ(jobs->source_bytes(), 0U);
}

TEST_F(ServiceTest, ForgetsAJobThatTheSchedulerRefuses) {
  Asked<Accepted> first, again;
  service->submit(submission("a"), now, first.reply());
  service->submit(submission("a"), now, again.reply());
  const auto job = std::get<events::JobAdded>(events.front()).job;
  events.clear();
  service->refuse({job, {FaultKind::kUnavailable, "too many jobs"}});
  EXPECT_EQ(first.fault().text, "too many jobs");
  EXPECT_EQ(again.fault().text, "too many jobs");
  EXPECT_EQ(jobs->find(job), nullptr);
  EXPECT_FALSE(std::filesystem::exists(folder / "spool" / std::to_string(job.value)));
  EXPECT_FALSE(jobs->cards().has(job));
  const auto forgotten = store->submission(job);
  EXPECT_TRUE(forgotten && !*forgotten);
}

TEST_F(ServiceTest, TellsTheStateAtTheEndOfTheTurn) {
  const JobId job = accepted("a");
  Asked<wire::JobStatus> status;
  Told cancelled;
  service->job(job, status.reply());
  service->cancel(job, now, cancelled.reply());
  EXPECT_FALSE(status.answered() || cancelled.answered());
  settle();
  ASSERT_TRUE(status.good() && cancelled.good());
  EXPECT_EQ(status->state, JobState::kCancelled);
  EXPECT_EQ(status->source_name, "a.mov");
  EXPECT_EQ(status->output_folder, "/srv/out");
}

TEST_F(ServiceTest, CancelsWhatIsThereAndNotOver) {
  Told unknown, first, second;
  service->cancel(JobId{9}, now, unknown.reply());
  EXPECT_EQ(unknown.fault(), (Fault{FaultKind::kNoInput, "there is no job 9"}));
  const JobId job = accepted("a");
  service->cancel(job, now, first.reply());
  settle();
  EXPECT_TRUE(first.good());
  service->cancel(job, now, second.reply());
  EXPECT_EQ(second.fault(), (Fault{FaultKind::kUsage, "job 1 is cancelled already"}));
}

TEST_F(ServiceTest, KnowsJobsThatWereOverBeforeARestart) {
  const JobId job = accepted("a");
  Told cancelled;
  service->cancel(job, now, cancelled.reply());
  settle();
  open({});
  const auto status = asked_for(job);
  ASSERT_TRUE(status.good());
  EXPECT_EQ(status->state, JobState::kCancelled);
  EXPECT_EQ(status->source_name, "a.mov");
  EXPECT_EQ(asked_for(JobId{77}).fault(), (Fault{FaultKind::kNoInput, "there is no job 77"}));
}

// Cards are kept of the newest jobs only, files for longer.
TEST_F(ServiceTest, StillNamesTheFilesOfAJobAfterManyOthers) {
  const JobId job = accepted("a");
  ASSERT_TRUE(store->record({facts::JobEnded{job, JobState::kDone, {}}}));
  Finished finished;
  finished.files = {{OutputKind::kRendition, "a_360p.mp4", std::string(64, '0'), {10, 1}}};
  ASSERT_TRUE(spool->save_finished(job, encode_finished(finished)));
  open({});
  for (int ask = 0; ask < 2; ++ask) {
    const auto status = asked_for(job);
    ASSERT_TRUE(status.good());
    EXPECT_EQ(status->state, JobState::kDone);
    EXPECT_EQ(status->source_name, "a.mov");
    ASSERT_THAT(status->files, SizeIs(1));
    EXPECT_EQ(status->files[0].name, "a_360p.mp4");
  }
}

TEST_F(ServiceTest, ListsWhatIsOnDiskAlready) {
  Asked<Accepted> first;
  Asked<std::vector<wire::JobStatus>> before, after;
  service->submit(submission("a"), now, first.reply());
  service->jobs(now, before.reply());
  settle();
  ASSERT_TRUE(before.good());
  EXPECT_THAT(*before, IsEmpty());
  accepted("b");
  service->jobs(now, after.reply());
  settle();
  ASSERT_THAT(*after, SizeIs(2));
  EXPECT_EQ((*after)[0].source_name, "b.mov") << "newest first";
  EXPECT_EQ((*after)[1].source_name, "a.mov");
}

TEST_F(ServiceTest, DrainsWorkersThatAreThere) {
  Told unknown, drained;
  service->drain(WorkerId{5}, unknown.reply());
  EXPECT_EQ(unknown.fault(), (Fault{FaultKind::kNoInput, "there is no worker 5: gopmill workers lists them"}));
  events.emplace_back(events::WorkerSaidHello{"peer", {.build = "build", .name = "host/1", .slots = 2}});
  settle();
  Asked<std::vector<wire::WorkerStatus>> workers;
  service->workers(now, workers.reply());
  settle();
  ASSERT_THAT(*workers, SizeIs(1));
  EXPECT_EQ((*workers)[0].name, "host/1");
  service->drain((*workers)[0].worker, drained.reply());
  EXPECT_FALSE(drained.answered());
  settle();
  EXPECT_TRUE(drained.good());
  EXPECT_EQ(scheduler->workers(now)[0].state, wire::WorkerState::kDraining);
}

TEST_F(ServiceTest, MakesOneBackupAtATime) {
  accepted("a");
  const auto asked = [this](const std::string& name) {
    Asked<BackupProgress> backup;
    service->back_up(name, now, backup.reply());
    EXPECT_TRUE(backup.answered());
    return backup;
  };
  EXPECT_EQ(asked("../x").fault().kind, FaultKind::kUsage);
  EXPECT_FALSE(asked("monday")->made);
  EXPECT_EQ(asked("tuesday").fault(), (Fault{FaultKind::kUnavailable, "backup monday is being made: ask again"}));
  const auto make = [&](const std::string& name) {
    EXPECT_FALSE(asked(name)->made);
    while (service->backups().busy()) service->backups().step(now);
  };
  make("monday");
  EXPECT_TRUE(asked("monday")->made);
  EXPECT_EQ(asked("monday")->path, (folder / "backups" / "monday.db").string());
  EXPECT_TRUE(std::filesystem::exists(folder / "backups" / "monday.manifest"));
  make("tuesday");
  EXPECT_TRUE(asked("monday")->made) << "its asker may not have been told before the next began";
  now = now + kBackupToldMax + Duration{1};
  EXPECT_EQ(asked("monday").fault().kind, FaultKind::kCannotCreate) << "next Monday this is an old backup, not a new one";
}

}  // namespace
}  // namespace gopmill
