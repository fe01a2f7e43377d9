#include "coordinator/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "coordinator/store/fact_codec.h"
#include "tests/support/crash_disk.h"

namespace gopmill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using wire::JobState;

constexpr std::int64_t kDayMs = 24 * 3600 * 1000;

class StoreTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    auto opened = Store::open("store.db", disk_.vfs(), ended_kept_max_);
    ASSERT_TRUE(opened) << opened.error().text;
    store_.emplace(std::move(*opened));
  }
  // As after an orderly end.
  void reopen() {
    store_.reset();
    open();
  }
  void cut_power(std::uint64_t seed = 1) {
    disk_.stop();
    store_.reset();
    test::Dice dice(seed);
    disk_.lose_power(dice);
    open();
  }

  static wire::Submission submission(const std::string& key) {
    wire::Submission submit;
    submit.key = key;
    submit.source_name = key + ".mov";
    submit.profile_name = "phone";
    submit.profile_yaml = std::string(2'000, '#');
    submit.output_base = key;
    submit.output_folder = "/srv/out";
    return submit;
  }
  JobId add(const std::string& key) {
    const auto added = store_->add(submission(key), now_unix_ms_);
    EXPECT_TRUE(added && !added->known);
    return added->job;
  }
  void record(const std::vector<Fact>& facts) {
    const auto recorded = store_->record(facts);
    ASSERT_TRUE(recorded) << recorded.error().text;
  }
  JobId accept(const std::string& key) {
    const JobId job = add(key);
    record({facts::JobAccepted{job, 50, true}});
    return job;
  }
  // A job with one committed task, up to its last state before the end.
  JobId run(const std::string& key) {
    const JobId job = accept(key);
    record({facts::JobEntered{job, JobState::kAnalysing}, facts::JobPlanned{job, {{}, {}}}});
    record({facts::TaskLeased{{job, 0}, 1, WorkerId{1}}});
    record({facts::TaskCommitted{{job, 0}, 1, std::string(200, 'r'), {{1000, 1}, {500, 2}}}});
    record({facts::JobEntered{job, JobState::kVerifying}});
    return job;
  }
  void deliver(JobId job) {
    record({facts::JobEnded{job, JobState::kDone, {}}});
    record({facts::JobForgotten{job, true}});
  }
  std::vector<std::string> facts() {
    auto living = store_->living_facts();
    EXPECT_TRUE(living) << living.error().text;
    std::vector<std::string> lines;
    for (const Fact& fact : *living) lines.push_back(describe(fact));
    return lines;
  }

  test::CrashDisk disk_;
  std::optional<Store> store_;
  std::int64_t now_unix_ms_ = 1'700'000'000'000;
  std::int64_t ended_kept_max_ = kEndedKeptMax;
};

// ---- What is recorded ----

TEST_F(StoreTest, WhatWasRecordedOutlivesThePower) {
  const JobId job = accept("a");
  record({facts::JobEntered{job, JobState::kQueued}, facts::JobEntered{job, JobState::kAnalysing}});
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    cut_power(seed);
    ASSERT_THAT(facts(), ElementsAre("job 1 accepted, priority 50, upload wanted", "job 1 queued", "job 1 analysing"));
    EXPECT_EQ((*store_->submission(job))->submission, submission("a"));
  }
}

TEST_F(StoreTest, ASubmissionIsWrittenWithItsAcceptanceAndNotBefore) {
  const std::uint64_t before = disk_.operations();
  const JobId refused = add("refused"), waiting = add("waiting");
  EXPECT_EQ(disk_.operations(), before);
  EXPECT_EQ((*store_->submission(waiting))->submission.key, "waiting");
  store_->forget(refused);
  record({facts::JobAccepted{waiting, 50, true}});
  EXPECT_FALSE(*store_->submission(refused));
  EXPECT_EQ(add("refused"), JobId{waiting.value + 1});  // no longer the same job

  add("not recorded");
  reopen();
  EXPECT_EQ((*store_->submission(waiting))->submission.key, "waiting");
  EXPECT_EQ(add("not recorded"), JobId{waiting.value + 1});  // the id that nobody was ever told
}

TEST_F(StoreTest, OneKeyIsOneJobForAsLongAsItIsKnown) {
  const auto again = [&] { return *store_->add(submission("key"), now_unix_ms_); };
  const JobId job = add("key");
  EXPECT_EQ(again().job, job);
  EXPECT_TRUE(again().known);
  record({facts::JobAccepted{job, 50, true}});
  EXPECT_EQ(again().job, job);
  record({facts::JobEnded{job, JobState::kFailed, Fault{FaultKind::kInput, "damaged"}}});
  reopen();
  EXPECT_EQ(again().job, job);
  EXPECT_TRUE(again().known);
}

TEST_F(StoreTest, WhatCannotBeRecordedIsNotThereAndMayBeRecordedLater) {
  const auto fails = [&](const std::vector<Fact>& facts) {
    const auto recorded = store_->record(facts);
    EXPECT_FALSE(recorded);
    EXPECT_EQ(recorded.error().kind, FaultKind::kMachine) << recorded.error().text;
  };
  const JobId job = add("a");
  const std::vector<Fact> accepted{facts::JobAccepted{job, 50, true}, facts::JobEntered{job, JobState::kQueued}};
  disk_.set_full(true);
  fails(accepted);
  EXPECT_THAT(facts(), IsEmpty());
  disk_.set_full(false);
  disk_.set_broken(true);
  fails(accepted);
  disk_.set_broken(false);
  record(accepted);
  cut_power();
  EXPECT_THAT(facts(), ElementsAre("job 1 accepted, priority 50, upload wanted", "job 1 queued"));
  EXPECT_EQ((*store_->submission(job))->submission, submission("a"));
}

TEST_F(StoreTest, WorkerIdsAreNeverGivenTwice) {
  const WorkerId first = *store_->next_worker_block();
  cut_power();
  const WorkerId second = *store_->next_worker_block();
  EXPECT_GE(second.value, first.value + 1'000'000);
}

// ---- What is over ----

TEST_F(StoreTest, OfAJobThatIsOverItsAcceptanceAndItsEndAreKept) {
  const JobId delivered = run("delivered"), failed = run("failed"), kept = run("kept");
  deliver(delivered);
  record({facts::JobEnded{failed, JobState::kFailed, Fault{FaultKind::kInput, "damaged at 12 s"}}});
  record({facts::JobEnded{kept, JobState::kDone, {}}});
  reopen();
  EXPECT_THAT(facts(), ElementsAre("job 1 accepted, priority 50, upload wanted", "job 2 accepted, priority 50, upload wanted",
                                   "job 1 done", "job 2 failed (input: damaged at 12 s)", "job 1 forgotten, delivered",
                                   "job 3 accepted, priority 50, upload wanted", "job 3 analysing", "job 3 planned, 2 tasks",
                                   "task 3/0 attempt 1 leased to worker 1", "task 3/0 attempt 1 committed", "job 3 verifying",
                                   "job 3 done"));
  EXPECT_EQ((*store_->ending(failed))->fault->text, "damaged at 12 s");
  EXPECT_EQ((*store_->ending(delivered))->state, JobState::kDone);
  EXPECT_EQ((*store_->ending(kept))->state, JobState::kDone);
  const auto over = *store_->submission(delivered);
  EXPECT_EQ(over->submission.source_name, "delivered.mov");
  EXPECT_EQ(over->submission.profile_yaml, "");
  EXPECT_EQ((*store_->submission(kept))->submission, submission("kept"));
}

TEST_F(StoreTest, JobsThatAreOverTakeLittleRoom) {
  const auto through = [&](int from, int to) {
    for (int i = from; i < to; ++i) deliver(run(std::to_string(i)));
  };
  through(0, 500);
  const std::uint64_t first = disk_.bytes();
  through(500, 2'500);
  // Two thousand more: acceptance, end, names and key of each, and no facts, profiles or free pages.
  EXPECT_LT(disk_.bytes() - first, 2'000U * 350);
}

TEST_F(StoreTest, ALongJobThatIsOverLeavesStepByStepAndMakesRoom) {
  const JobId other = accept("other");
  const auto long_job = [&](const std::string& key) {
    const JobId job = accept(key);
    std::vector<Fact> leases;
    for (std::uint32_t task = 0; task < 5'000; ++task) leases.emplace_back(facts::TaskLeased{{job, task}, 1, WorkerId{1}});
    record(leases);
    record({facts::JobEnded{job, JobState::kFailed, Fault{FaultKind::kInput, "damaged"}}});
  };
  std::vector<std::string> expected{"job 2 accepted, priority 50, upload wanted", "job 2 failed (input: damaged)",
                                    "job 1 accepted, priority 50, upload wanted"};
  long_job("first");
  for (int commit = 1; commit <= 3; ++commit) {
    reopen();
    EXPECT_EQ(facts(), expected);
    record({facts::JobEntered{other, JobState::kQueued}});
    expected.emplace_back("job 1 queued");
  }
  reopen();  // which leaves no log
  const std::uint64_t before = disk_.bytes();
  long_job("second");
  reopen();
  EXPECT_LT(disk_.bytes(), before + before / 10);
}

TEST_F(StoreTest, OldJobsAreForgottenWhenNewOnesCome) {
  const JobId old = run("old");
  deliver(old);
  const JobId living = accept("living");
  ended_kept_max_ = 1;
  reopen();
  const JobId newer = run("newer");
  deliver(newer);
  now_unix_ms_ += 400 * kDayMs;  // a clock that jumps takes nothing along
  accept("new");
  EXPECT_TRUE(*store_->ending(newer));
  EXPECT_FALSE(*store_->ending(old));
  EXPECT_FALSE(*store_->submission(old));
  EXPECT_TRUE(*store_->submission(living));
  EXPECT_FALSE(store_->add(submission("old"), now_unix_ms_)->known);
}

// ---- Other schemas ----

class StoreFileTest : public testing::Test {
 protected:
  StoreFileTest() {
    std::string name = (std::filesystem::temp_directory_path() / "gopmill-store-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~StoreFileTest() override { std::filesystem::remove_all(folder_); }

  void write_database(const std::string& sql) const {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file().c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
    sqlite3_close(database);
  }
  [[nodiscard]] std::filesystem::path file() const { return folder_ / "gopmill.db"; }

  std::filesystem::path folder_;
};

TEST_F(StoreFileTest, AStoreOfTheFirstSchemaIsBroughtUpToDate) {
  std::stringstream dump;
  dump << std::ifstream(GOPMILL_SOURCE_DIR "/tests/coordinator/store/store_v1.sql").rdbuf();
  write_database(dump.str());
  for (int opening = 1; opening <= 2; ++opening) {
    auto store = Store::open(file());
    ASSERT_TRUE(store) << store.error().text;
    std::vector<std::string> lines;
    const auto living = store->living_facts();
    ASSERT_TRUE(living) << living.error().text;
    for (const Fact& fact : *living) lines.push_back(describe(fact));
    EXPECT_THAT(
        lines,
        ElementsAre("job 1 accepted, priority 50, upload wanted", "job 2 accepted, priority 50, upload wanted",
                    "job 3 accepted, priority 90, upload wanted", "job 1 done",
                    "job 2 failed (input: the source is damaged at 12 s)", "job 3 cancelled (cancelled: by its owner)",
                    "job 1 forgotten, delivered", "job 4 accepted, priority 50, upload wanted", "job 4 queued", "job 4 analysing",
                    "job 4 planned, 3 tasks", "job 4 running", "task 4/0 attempt 1 leased to worker 1",
                    "task 4/0 attempt 1 committed", "task 4/1 attempt 1 leased to worker 1",
                    "task 4/1 attempt 1 lost, machine (machine: no memory)", "task 4/1 attempt 2 leased to worker 2",
                    "task 4/1 attempt 2 committed", "task 4/2 attempt 1 leased to worker 1", "task 4/2 attempt 1 committed",
                    "job 4 stitching", "job 4 stitch lost, machine (machine: disk full)", "job 4 verifying", "job 4 done",
                    "job 5 accepted, priority 50, upload wanted", "job 5 queued", "job 5 analysing", "job 5 planned, 3 tasks",
                    "job 5 running", "task 5/0 attempt 1 leased to worker 1", "task 5/0 attempt 1 committed",
                    "task 5/1 attempt 1 leased to worker 1", "task 5/1 attempt 1 lost, machine (machine: no memory)",
                    "task 5/1 attempt 2 leased to worker 2", "task 5/1 attempt 2 committed",
                    "task 5/2 attempt 1 leased to worker 3", "job 6 accepted, priority 50"));
    for (std::uint64_t job = 1; job <= 6; ++job) {
      const auto submission = *store->submission(JobId{job});
      ASSERT_TRUE(submission) << job;
      EXPECT_EQ(submission->submission.source_name, std::string(1, static_cast<char>('a' + job - 1)) + ".mov");
      EXPECT_THAT(submission->submission.profile_yaml, HasSubstr("height: 360"));
    }
    EXPECT_FALSE(*store->submission(JobId{7}));
    EXPECT_EQ(store->add((*store->submission(JobId{5}))->submission, 0)->job, JobId{5});
    EXPECT_EQ((*store->ending(JobId{2}))->fault->text, "the source is damaged at 12 s");
  }
}

TEST_F(StoreFileTest, ANewerSchemaIsRefusedAndLeftAlone) {
  write_database("CREATE TABLE later (a); PRAGMA user_version=1000");
  const auto store = Store::open(file());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, FaultKind::kConfig);
  EXPECT_THAT(store.error().text, HasSubstr("written by a newer gopmill (schema 1000"));
}

TEST_F(StoreFileTest, AFileThatIsNoDatabaseIsRefused) {
  std::ofstream(file()) << std::string(8'192, 'x');
  const auto store = Store::open(file());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, FaultKind::kConfig);
}

TEST_F(StoreFileTest, OneProcessAtATimeHasAStore) {
  const auto first = Store::open(file());
  ASSERT_TRUE(first) << first.error().text;
  const auto second = Store::open(file());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, FaultKind::kUnavailable);
  EXPECT_THAT(second.error().text, HasSubstr("another coordinator"));
}

}  // namespace
}  // namespace gopmill
