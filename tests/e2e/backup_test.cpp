// A backup made under load brings back every job that was accepted when it was made.

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/e2e/farm.h"

namespace gopmill::e2e {
namespace {

using testing::HasSubstr;

class BackupTest : public testing::Test {
 protected:
  void SetUp() override {
    clip_ = make_source(folder_, 8).string();
    profile_ = quick_profile(folder_).string();
  }
  std::vector<std::string> submission(const std::string& out) const {
    return {"submit", clip_, "-p", profile_, "-o", (folder_ / out).string()};
  }
  [[nodiscard]] std::vector<std::string> renditions(const std::string& out) const {
    return {sha256_of(folder_ / out / "clip_240p.mp4"), sha256_of(folder_ / out / "clip_144p.mp4")};
  }
  static nlohmann::json job(Farm& farm, const std::string& id) {
    auto json = nlohmann::json::parse(farm.ask({"job", id, "--json"}).out, nullptr, false);
    return json.is_object() ? json : nlohmann::json::object();
  }
  static std::string state(Farm& farm, const std::string& id) { return job(farm, id).value("state", ""); }
  static bool half_done(Farm& farm, const std::string& id) {
    const auto json = job(farm, id);
    return json.value("state", "") == "running" && json["tasks"].value("done", 0) > 0;
  }

  Folder folder_;
  std::string clip_, profile_;
};

TEST_F(BackupTest, TheRestoreDrill) {
  Farm farm;
  farm.add_worker();
  // Job 1 is over, job 2 is done and its files wait, job 3 runs, job 4 waits.
  auto first = submission("first");
  first.emplace_back("--wait");
  ASSERT_EQ(farm.ask(first).exit, 0) << farm.log();
  ASSERT_EQ(farm.ask(submission("second")).exit, 0);
  ASSERT_TRUE(eventually([&] { return state(farm, "2") == "done"; }, 120)) << farm.log();
  ASSERT_EQ(farm.ask(submission("third")).exit, 0);
  ASSERT_EQ(farm.ask(submission("fourth")).exit, 0);
  ASSERT_TRUE(eventually([&] { return half_done(farm, "3"); }, 120)) << farm.log();

  const Outcome backup = farm.ask({"backup", "drill"});
  ASSERT_EQ(backup.exit, 0) << backup.err << farm.log();
  const auto path = (farm.path() / "data/backups/drill.db").string();
  EXPECT_EQ(backup.out, path + "\n");
  const std::string manifest = text_of(farm.path() / "data/backups/drill.manifest");
  EXPECT_THAT(manifest, HasSubstr("\njob 1 done\n"));
  EXPECT_THAT(manifest, HasSubstr("\nsource 3 "));
  EXPECT_THAT(manifest, HasSubstr("\noutput 3 "));
  EXPECT_EQ(farm.ask({"backup", "../drill"}).exit, 2);
  const Outcome again = farm.ask({"backup", "drill"});  // the same request, said again
  EXPECT_EQ(again.exit, 0) << again.err;
  farm.kill_coordinator();

  // Without its spool: nothing hangs. What ended is known, what has lost its source says so.
  const Folder bare;
  ASSERT_EQ(gopmill({"restore", "--data", (bare / "data").string(), path}).exit, 0);
  EXPECT_EQ(gopmill({"restore", "--data", (bare / "data").string(), path}).exit, 73);
  {
    Farm restored(bare / "data");
    EXPECT_EQ(state(restored, "1"), "done");
    EXPECT_THAT(restored.ask({"jobs"}).out, testing::ContainsRegex("1 +done.*clip.mp4"));
    const Outcome gone = restored.ask({"wait", "2"});
    EXPECT_EQ(gone.exit, 69) << gone.err;
    EXPECT_THAT(gone.err, HasSubstr("no longer keeps the files of job 2"));
    for (const std::string job : {"3", "4"}) {
      EXPECT_TRUE(eventually([&] { return state(restored, job) == "failed"; }, 10)) << restored.log();
      EXPECT_THAT(restored.ask({"job", job}).out, HasSubstr("its source is not in the spool any more"));
    }
    EXPECT_EQ(restored.ask(submission("later")).out, "100005\n") << "ids given after the backup are not given again";
  }

  // With it: everything goes on, and comes out as it would have.
  const Folder whole;
  std::filesystem::create_directories(whole / "data");
  std::filesystem::copy(farm.path() / "data/spool", whole / "data/spool", std::filesystem::copy_options::recursive);
  ASSERT_EQ(gopmill({"restore", "--data", (whole / "data").string(), path}).exit, 0);
  Farm restored(whole / "data");
  restored.add_worker();
  for (const std::string job : {"2", "3", "4"}) EXPECT_EQ(restored.ask({"wait", job}).exit, 0) << restored.log();
  for (const std::string out : {"second", "third", "fourth"}) EXPECT_EQ(renditions(out), renditions("first"));
  EXPECT_TRUE(eventually([&] { return restored.spool_files().empty(); }));
}

TEST_F(BackupTest, ADamagedBackupIsNotRestored) {
  Farm farm;
  ASSERT_EQ(farm.ask({"backup", "b"}).exit, 0) << farm.log();
  const auto path = farm.path() / "data/backups/b.db";
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5'000);
    file.put('\x55');
  }
  const Outcome restore = gopmill({"restore", "--data", (folder_ / "new").string(), path.string()});
  EXPECT_EQ(restore.exit, 65);
  EXPECT_THAT(restore.err, HasSubstr("damaged"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "new/gopmill.db"));
  std::filesystem::remove(farm.path() / "data/backups/b.manifest");
  EXPECT_EQ(gopmill({"restore", "--data", (folder_ / "new").string(), path.string()}).exit, 66);
}

}  // namespace
}  // namespace gopmill::e2e
