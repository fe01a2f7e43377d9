// Nothing accepted is lost: restarts, hung children, damaged bytes, workers that are told to leave.

#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>
#include <iterator>

#include "tests/e2e/source_farm.h"

namespace gopmill::e2e {
namespace {

using testing::HasSubstr;

class Survival : public SourceFarm {
 protected:
  static std::uint64_t attempts_lost(Farm& farm, const std::string& job) {
    return json_of(farm.ask({"job", job, "--json"})).value("attempts_lost", std::uint64_t{999});
  }
  // Files of the spool whose names begin so and that are whole.
  static std::vector<std::string> spooled(const Farm& farm, const std::string& prefix) {
    std::vector<std::string> found;
    for (const std::string& path : farm.spool_files()) {
      const std::string name = std::filesystem::path(path).filename().string();
      if (name.starts_with(prefix) && !name.ends_with(".part")) found.push_back(path);
    }
    return found;
  }
  static void flip_a_bit(const std::string& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(0, std::ios::end);
    const auto middle = file.tellg() / 2;
    file.seekg(middle);
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(middle);
    file.put(byte);
  }
  static Outcome submit(Farm& farm, const Folder& out, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"submit", clip(), "-p", profile(), "-o", out.path().string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return farm.ask(arguments);
  }
};

TEST_F(Survival, AFinishedJobIsCollectedAfterARestart) {
  Farm farm;
  farm.add_worker(2);
  const Folder out;
  ASSERT_EQ(submit(farm, out).exit, 0);
  ASSERT_TRUE(eventually([&] { return json_of(farm.ask({"job", "1", "--json"}))["state"] == "done"; })) << farm.log();
  farm.kill_coordinator();
  farm.start_coordinator();
  EXPECT_EQ(farm.ask({"wait", "1"}).exit, 0) << farm.log();
  EXPECT_EQ(renditions(out.path()), undisturbed());
}

TEST_F(Survival, WorkersKeepWhatTheyHoldOverARestartOfTheCoordinator) {
  Farm farm;
  farm.add_worker(2);
  const Folder out;
  const pid_t waiting = submit_and_wait(farm, out);
  // Some work is done and some held at each restart. More is not waited for, and a second restart is not made where the clip is
  // through by then: what looks takes time as well.
  const auto done = [&] { return json_of(farm.ask({"job", "1", "--json"}))["state"] == "done"; };
  for (int restarts = 0; restarts < 2; ++restarts) {
    ASSERT_TRUE(eventually([&] { return (tasks_done(farm, "1") >= 1 && busy(farm)) || (restarts > 0 && done()); })) << farm.log();
    if (restarts > 0 && done()) break;
    farm.kill_coordinator();
    farm.start_coordinator();
  }
  EXPECT_EQ(farm.finish(waiting), 0) << "the submitter goes on waiting\n" << farm.log();
  EXPECT_EQ(attempts_lost(farm, "1"), 0U) << farm.log();
  EXPECT_EQ(renditions(out.path()), undisturbed());
}

bool is_media_child(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
  const std::string command{std::istreambuf_iterator<char>(file), {}};
  return command.find("media-child") != std::string::npos;
}

TEST_F(Survival, AStoppedChildIsEndedAndItsTaskDoneAgain) {
  Farm farm;
  const pid_t worker = farm.add_worker();
  const Folder out;
  const pid_t waiting = submit_and_wait(farm, out);
  pid_t stopped = 0;
  ASSERT_TRUE(eventually([&] {
    const auto children = children_of(worker);
    // One that is still being spawned would hold its parent up: it is stopped when it is a media child.
    if (children.empty() || !is_media_child(children.front())) return false;
    stopped = children.front();
    farm.signal(stopped, SIGSTOP);
    return true;
  })) << farm.log();
  EXPECT_EQ(farm.finish(waiting), 0) << farm.log();
  EXPECT_THAT(farm.log(), HasSubstr("it is stopped"));
  EXPECT_EQ(renditions(out.path()), undisturbed());
}

TEST_F(Survival, DamagedOutputsAreFoundAndMadeAgain) {
  Farm farm;
  farm.add_worker();
  const Folder out;
  const pid_t waiting = submit_and_wait(farm, out);
  ASSERT_TRUE(eventually([&] { return tasks_done(farm, "1") >= 2; })) << farm.log();
  const auto outputs = spooled(farm, "output.");
  ASSERT_GE(outputs.size(), 2U);
  flip_a_bit(outputs.front());
  std::filesystem::remove(outputs.back());
  EXPECT_EQ(farm.finish(waiting), 0) << farm.log();
  EXPECT_THAT(farm.log(), HasSubstr("reopened"));
  EXPECT_EQ(renditions(out.path()), undisturbed());
}

TEST_F(Survival, DamagedInputsAreFoundAndWrittenAgain) {
  Farm farm;
  const Folder out;
  const pid_t waiting = submit_and_wait(farm, out);
  ASSERT_TRUE(eventually([&] { return spooled(farm, "input.").size() >= 4; })) << farm.log();
  const auto inputs = spooled(farm, "input.");
  flip_a_bit(inputs[0]);
  flip_a_bit(inputs[1]);
  std::filesystem::remove(inputs[2]);
  std::filesystem::resize_file(inputs[3], 1);
  farm.add_worker();
  EXPECT_EQ(farm.finish(waiting), 0) << farm.log();
  EXPECT_THAT(farm.log(), HasSubstr("has changed on the coordinator's disk"));
  EXPECT_EQ(renditions(out.path()), undisturbed());
}

TEST_F(Survival, AFileThatCannotBeBegunIsTriedAgain) {
  Farm farm;
  const Folder out;
  const pid_t waiting = submit_and_wait(farm, out);
  ASSERT_TRUE(eventually([&] { return !spooled(farm, "source").empty(); })) << farm.log();
  const auto in_the_way = std::filesystem::path(spooled(farm, "source").front()).replace_filename("result.1.part");
  std::filesystem::create_directory(in_the_way);
  farm.add_worker(2);
  ASSERT_TRUE(eventually([&] { return farm.ask({"job", "1"}).out.find("result.1.part: Is a directory") != std::string::npos; }))
      << farm.log();
  std::filesystem::remove(in_the_way);
  EXPECT_EQ(farm.finish(waiting), 0) << farm.log();
  EXPECT_EQ(renditions(out.path()), undisturbed());
}

TEST_F(Survival, ASourceThatIsDamagedInTheSpoolIsNotBlamedOnItsOwner) {
  Farm farm;
  const Folder out;
  ASSERT_EQ(submit(farm, out).exit, 0);
  // Without workers it waits, with its inputs written: what is damaged now is not read again before the end.
  ASSERT_TRUE(eventually([&] { return spooled(farm, "input.").size() >= 4; })) << farm.log();
  flip_a_bit(spooled(farm, "source").front());
  farm.add_worker(2);
  const Outcome wait = farm.ask({"wait", "1"});
  EXPECT_EQ(wait.exit, 1) << "not 65: the file that was sent is fine";
  EXPECT_THAT(wait.err, HasSubstr("the coordinator's copy of the source was damaged"));
  EXPECT_TRUE(std::filesystem::is_empty(out.path())) << "nothing made of it is delivered";
}

TEST_F(Survival, ADrainedWorkerFinishesAndLeaves) {
  Farm farm;
  const pid_t first = farm.add_worker();
  const Folder out;
  const pid_t waiting = submit_and_wait(farm, out);
  ASSERT_TRUE(eventually([&] { return busy(farm); })) << farm.log();
  EXPECT_EQ(farm.ask({"drain", "77"}).exit, 66) << "there is no such worker";
  const auto workers = json_of(farm.ask({"workers", "--json"}));
  ASSERT_EQ(workers.size(), 1U);
  farm.add_worker();
  EXPECT_EQ(farm.ask({"drain", std::to_string(workers[0]["worker"].get<std::uint64_t>())}).exit, 0);
  EXPECT_EQ(farm.finish(first, 60), 0) << farm.log();
  EXPECT_EQ(farm.finish(waiting), 0) << farm.log();
  EXPECT_EQ(attempts_lost(farm, "1"), 0U) << farm.log();
  EXPECT_EQ(renditions(out.path()), undisturbed());
}

TEST_F(Survival, TheSameKeyIsTheSameJob) {
  Farm farm;
  const Folder out;
  ASSERT_EQ(submit(farm, out, {"--key", "tuesday", "--json"}).exit, 0);
  const Outcome again = submit(farm, out, {"--key", "tuesday", "--json"});
  EXPECT_EQ(again.exit, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("\"job\":1"));
  EXPECT_EQ(json_of(farm.ask({"jobs", "--json"})).size(), 1U);
  const Outcome other = farm.ask({"submit", clip(), "-p", "preview", "-o", out.path().string(), "--key", "tuesday"});
  EXPECT_EQ(other.exit, 2);
  EXPECT_THAT(other.err, HasSubstr("job 1"));
  EXPECT_EQ(farm.ask({"cancel", "1"}).exit, 0);
  EXPECT_EQ(submit(farm, out, {"--key", "tuesday"}).exit, 0) << "over, but still the same job";
}

TEST_F(Survival, MoreThanTheSpoolMayHoldIsRefusedForNow) {
  Farm farm;
  farm.kill_coordinator();
  const auto bytes = std::filesystem::file_size(clip());
  farm.start_coordinator({"--spool-max", std::to_string(bytes + bytes / 2)});
  const Folder out, other;
  ASSERT_EQ(submit(farm, out).exit, 0);
  const Outcome refused = submit(farm, other);
  EXPECT_EQ(refused.exit, 69);
  EXPECT_THAT(refused.err, HasSubstr("submit again"));
  EXPECT_EQ(farm.ask({"cancel", "1"}).exit, 0);
  EXPECT_EQ(submit(farm, other).exit, 0) << "there is room again";
}

TEST_F(Survival, AKilledWorkerIsMissedByItsConnection) {
  Farm farm;
  const pid_t killed = farm.add_worker();
  const Folder out;
  const pid_t waiting = submit_and_wait(farm, out);
  ASSERT_TRUE(eventually([&] { return busy(farm); })) << farm.log();
  farm.kill(killed);
  farm.add_worker();
  EXPECT_EQ(farm.finish(waiting), 0) << farm.log();
  EXPECT_THAT(farm.log(), HasSubstr("lost its connection"));
}

}  // namespace
}  // namespace gopmill::e2e
