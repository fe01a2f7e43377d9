#include "coordinator/service/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <deque>
#include <filesystem>
#include <utility>

#include "base/check.h"
#include "coordinator/spool/finished.h"

namespace gopmill {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using wire::JobState;

constexpr const char* kProfile = "name: one\nrendition: {codec: h264}\nrenditions:\n  - {height: 360, quality: 24}\n";

class Silence final : public Log {
 public:
  void write(LogLevel, std::string_view) override {}
};

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
    return [this, inner = asked_.reply()](Result<> answer) {
      inner(answer ? Result<Nothing>(Nothing{}) : Result<Nothing>(std::unexpected(answer.error())));
    };
  }
  [[nodiscard]] bool answered() const { return asked_.answered(); }
  [[nodiscard]] bool good() const { return asked_.good(); }
  [[nodiscard]] Fault fault() const { return asked_.fault(); }

 private:
  Asked<Nothing> asked_;
};

// A service with a real store, spool and scheduler, and turns as the coordinator's loop makes them; no socket anywhere.
class ServiceTest : public testing::Test {
 protected:
  ServiceTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "service_XXXXXX").string();
    GOPMILL_CHECK(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    open({});
  }
  ~ServiceTest() override { std::filesystem::remove_all(folder_); }

  void open(Service::Rules rules) {
    service_.reset();
    jobs_.reset();
    scheduler_.reset();
    store_.reset();
    rules.backups = folder_ / "backups";
    store_.emplace(std::move(*Store::open(folder_ / "store.db")));
    spool_.emplace(std::move(*Spool::open(folder_ / "spool")));
    scheduler_.emplace(Scheduler::restore({"build", *store_->next_worker_block()}, *store_->living_facts(), now_));
    jobs_.emplace(*spool_, "build");
    service_.emplace(
        *store_, *spool_, *scheduler_, *jobs_, rules, [this](Event event) { events_.push_back(std::move(event)); }, log_);
  }

  // Decides, records, acts, answers: the order of coordinator/loop.cpp. Steps of jobs are not begun.
  void settle() {
    std::vector<Action> actions;
    std::vector<Fact> facts;
    for (; !events_.empty(); events_.pop_front()) {
      Step step = scheduler_->handle(events_.front(), now_);
      facts.insert(facts.end(), step.facts.begin(), step.facts.end());
      actions.insert(actions.end(), step.actions.begin(), step.actions.end());
    }
    GOPMILL_CHECK(store_->record(facts));
    for (const Action& action : actions) {
      if (const auto* accept = std::get_if<actions::AcceptJob>(&action)) service_->accept(*accept, now_);
      if (const auto* refuse = std::get_if<actions::RefuseJob>(&action)) service_->refuse(*refuse);
      if (const auto* clean = std::get_if<actions::CleanJob>(&action)) jobs_->clean(*clean);
    }
    service_->settled(now_);
  }

  static wire::Submission submission(const std::string& key) {
    wire::Submission wanted;
    wanted.key = key;
    wanted.source_name = key + ".mov";
    wanted.source_bytes = 1'000;
    wanted.source_hash = 7;
    wanted.profile_name = "one";
    wanted.profile_yaml = kProfile;
    wanted.output_base = key;
    wanted.output_folder = "/srv/out";
    return wanted;
  }
  JobId accepted(const std::string& key) {
    Asked<Accepted> asked;
    service_->submit(submission(key), now_, asked.reply());
    settle();
    GOPMILL_CHECK(asked.good());
    return asked->job;
  }
  Asked<wire::JobStatus> asked_for(JobId job) {
    Asked<wire::JobStatus> status;
    service_->job(job, status.reply());
    settle();
    return status;
  }
  Fault refusal(wire::Submission wanted) {
    Asked<Accepted> asked;
    service_->submit(std::move(wanted), now_, asked.reply());
    EXPECT_TRUE(asked.answered()) << "a refusal waits for nothing";
    EXPECT_THAT(events_, IsEmpty());
    return asked.fault();
  }

  std::filesystem::path folder_;
  Silence log_;
  Instant now_ = monotonic_now();
  std::optional<Store> store_;
  std::optional<Spool> spool_;
  std::optional<Scheduler> scheduler_;
  std::optional<Jobs> jobs_;
  std::optional<Service> service_;
  std::deque<Event> events_;
};

TEST_F(ServiceTest, AcceptsAJobOnceThatIsRecorded) {
  Asked<Accepted> asked;
  service_->submit(submission("a"), now_, asked.reply());
  EXPECT_FALSE(asked.answered()) << "nothing is on disk yet";
  settle();
  ASSERT_TRUE(asked.good());
  EXPECT_TRUE(asked->upload_wanted);
  const auto recorded = store_->submission(asked->job);
  ASSERT_TRUE(recorded && *recorded);
  EXPECT_EQ((*recorded)->submission, submission("a"));
  EXPECT_EQ(jobs_->source_bytes(), 1'000U);
}

TEST_F(ServiceTest, TheSameKeyIsTheSameJob) {
  Asked<Accepted> first, again, later;
  service_->submit(submission("a"), now_, first.reply());
  service_->submit(submission("a"), now_, again.reply());
  settle();
  ASSERT_TRUE(first.good());
  ASSERT_TRUE(again.good()) << "both waited for the same record";
  EXPECT_EQ(first->job, again->job);
  service_->submit(submission("a"), now_, later.reply());
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
  service_->cancel(job, now_, cancelled.reply());
  settle();
  open({});
  Asked<Accepted> again;
  service_->submit(submission("a"), now_, again.reply());
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
  service_->submit(wanted, now_, asked.reply());
  settle();
  ASSERT_TRUE(asked.good());
  EXPECT_FALSE(asked->upload_wanted);
  EXPECT_EQ(jobs_->source_bytes(), 0U);
}

TEST_F(ServiceTest, ForgetsAJobThatTheSchedulerRefuses) {
  Asked<Accepted> first, again;
  service_->submit(submission("a"), now_, first.reply());
  service_->submit(submission("a"), now_, again.reply());
  const auto job = std::get<events::JobAdded>(events_.front()).job;
  events_.clear();
  service_->refuse({job, {FaultKind::kUnavailable, "too many jobs"}});
  EXPECT_EQ(first.fault().text, "too many jobs");
  EXPECT_EQ(again.fault().text, "too many jobs");
  EXPECT_EQ(jobs_->find(job), nullptr);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "spool" / std::to_string(job.value)));
  EXPECT_FALSE(jobs_->cards().has(job));
  const auto forgotten = store_->submission(job);
  EXPECT_TRUE(forgotten && !*forgotten);
}

TEST_F(ServiceTest, TellsTheStateAtTheEndOfTheTurn) {
  const JobId job = accepted("a");
  Asked<wire::JobStatus> status;
  Told cancelled;
  service_->job(job, status.reply());
  service_->cancel(job, now_, cancelled.reply());
  EXPECT_FALSE(status.answered() || cancelled.answered());
  settle();
  ASSERT_TRUE(status.good() && cancelled.good());
  EXPECT_EQ(status->state, JobState::kCancelled);
  EXPECT_EQ(status->source_name, "a.mov");
  EXPECT_EQ(status->output_folder, "/srv/out");
}

TEST_F(ServiceTest, CancelsWhatIsThereAndNotOver) {
  Told unknown, first, second;
  service_->cancel(JobId{9}, now_, unknown.reply());
  EXPECT_EQ(unknown.fault(), (Fault{FaultKind::kNoInput, "there is no job 9"}));
  const JobId job = accepted("a");
  service_->cancel(job, now_, first.reply());
  settle();
  EXPECT_TRUE(first.good());
  service_->cancel(job, now_, second.reply());
  EXPECT_EQ(second.fault(), (Fault{FaultKind::kUsage, "job 1 is cancelled already"}));
}

TEST_F(ServiceTest, KnowsJobsThatWereOverBeforeARestart) {
  const JobId job = accepted("a");
  Told cancelled;
  service_->cancel(job, now_, cancelled.reply());
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
  ASSERT_TRUE(store_->record({facts::JobEnded{job, JobState::kDone, {}}}));
  Finished finished;
  finished.files = {{OutputKind::kRendition, "a_360p.mp4", std::string(64, '0'), {10, 1}}};
  ASSERT_TRUE(spool_->save_finished(job, encode_finished(finished)));
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
  service_->submit(submission("a"), now_, first.reply());
  service_->jobs(now_, before.reply());
  settle();
  ASSERT_TRUE(before.good());
  EXPECT_THAT(*before, IsEmpty());
  accepted("b");
  service_->jobs(now_, after.reply());
  settle();
  ASSERT_THAT(*after, SizeIs(2));
  EXPECT_EQ((*after)[0].source_name, "b.mov") << "newest first";
  EXPECT_EQ((*after)[1].source_name, "a.mov");
}

TEST_F(ServiceTest, DrainsWorkersThatAreThere) {
  Told unknown, drained;
  service_->drain(WorkerId{5}, unknown.reply());
  EXPECT_EQ(unknown.fault(), (Fault{FaultKind::kNoInput, "there is no worker 5: gopmill workers lists them"}));
  events_.emplace_back(events::WorkerSaidHello{"peer", {.build = "build", .name = "host/1", .slots = 2}});
  settle();
  Asked<std::vector<wire::WorkerStatus>> workers;
  service_->workers(now_, workers.reply());
  settle();
  ASSERT_THAT(*workers, SizeIs(1));
  EXPECT_EQ((*workers)[0].name, "host/1");
  service_->drain((*workers)[0].worker, drained.reply());
  EXPECT_FALSE(drained.answered());
  settle();
  EXPECT_TRUE(drained.good());
  EXPECT_EQ(scheduler_->workers(now_)[0].state, wire::WorkerState::kDraining);
}

TEST_F(ServiceTest, MakesOneBackupAtATime) {
  accepted("a");
  const auto asked = [this](const std::string& name) {
    Asked<BackupProgress> backup;
    service_->back_up(name, backup.reply());
    EXPECT_TRUE(backup.answered());
    return backup;
  };
  EXPECT_EQ(asked("../x").fault().kind, FaultKind::kUsage);
  EXPECT_FALSE(asked("monday")->made);
  EXPECT_EQ(asked("tuesday").fault(), (Fault{FaultKind::kUnavailable, "backup monday is being made: ask again"}));
  while (service_->backups().busy()) service_->backups().step();
  EXPECT_TRUE(asked("monday")->made);
  EXPECT_EQ(asked("monday")->path, (folder_ / "backups" / "monday.db").string());
  EXPECT_TRUE(std::filesystem::exists(folder_ / "backups" / "monday.manifest"));
}

}  // namespace
}  // namespace gopmill
