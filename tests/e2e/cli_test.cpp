// Long because: one fixture starts the binary for every case.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

// The `gopmill` command from outside: bad requests with their exit codes and one clear line each, and good ones with what they
// leave behind. Real processes and real time.

namespace gopmill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

using Words = std::vector<std::string>;

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Words lines_of(const std::string& text) {
  Words lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

struct Outcome {
  int code = -1;  // 128 + number for a signal
  std::string out, err;
};

// A folder to work in, and processes that end with the test.
class Cli : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/cli-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = std::filesystem::canonical(name);
    talk_ = folder_.string() + ".talk";
    std::filesystem::create_directory(talk_);
  }
  void TearDown() override {
    for (const pid_t pid : started_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
    std::filesystem::remove_all(folder_);
    std::filesystem::remove_all(talk_);
  }

  // Starts `gopmill words…` in the folder; what it says goes into talk_/number.{out,err}.
  pid_t start(Words words, int number) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, said(number, "out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, said(number, "err").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addchdir_np(&actions, folder_.c_str());
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    words.insert(words.begin(), "gopmill");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_t pid = -1;
    EXPECT_EQ(posix_spawn(&pid, GOPMILL_BINARY, &actions, &attributes, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    started_.insert(pid);
    return pid;
  }
  Outcome finish(pid_t pid, int number) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    started_.erase(pid);
    return {WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), text_of(said(number, "out")),
            text_of(said(number, "err"))};
  }
  Outcome run(Words words) {
    const int number = ++runs_;
    return finish(start(std::move(words), number), number);
  }
  Outcome interrupt(Words words, std::chrono::milliseconds after, int signal) {
    const int number = ++runs_;
    const pid_t pid = start(std::move(words), number);
    std::this_thread::sleep_for(after);
    ::kill(pid, signal);
    return finish(pid, number);
  }

  std::filesystem::path said(int number, const std::string& stream) { return talk_ / (std::to_string(number) + "." + stream); }
  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name, std::ios::binary) << text; }
  void make_clip(const std::string& name, const std::string& seconds) {
    const Outcome made = run({"make-clip", name, "--seconds", seconds});
    ASSERT_EQ(made.code, 0) << made.err;
  }
  // Everything in the folder, hidden or not, relative to it.
  [[nodiscard]] Words files() const {
    Words names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
      names.push_back(std::filesystem::relative(entry.path(), folder_).string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  // Refused with `code` and one line that has `why` in it; nothing printed, nothing left behind.
  void refuses(const Words& words, int code, const std::string& why) {
    std::string command;
    for (const std::string& word : words) command += " " + word;
    SCOPED_TRACE("gopmill" + command);
    const Words before = files();
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.code, code);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(lines_of(outcome.err), ElementsAre(testing::AllOf(StartsWith("gopmill: "), HasSubstr(why))));
    EXPECT_EQ(files(), before);
  }
  // Processes of ours that have `text` on their command line.
  static std::size_t processes_with(const std::string& text) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      if (text_of(entry.path() / "cmdline").find(text) != std::string::npos) ++count;
    }
    return count;
  }

  std::filesystem::path folder_, talk_;
  std::set<pid_t> started_;
  int runs_ = 0;
};

TEST_F(Cli, EveryCommandHasHelpWithAnExample) {
  const Words commands{"run",           "submit",        "wait",           "jobs",     "job",    "cancel",
                       "workers",       "coordinator",   "worker",         "probe",    "verify", "profiles",
                       "profiles list", "profiles show", "profiles check", "make-clip"};
  for (const std::string& command : commands) {
    Words words;
    std::istringstream stream(command);
    for (std::string word; stream >> word;) words.push_back(word);
    words.emplace_back("--help");
    const Outcome help = run(words);
    EXPECT_EQ(help.code, 0) << command;
    EXPECT_THAT(help.out, HasSubstr("Examples:\n  gopmill " + command)) << command;
    EXPECT_EQ(help.err, "") << command;
  }
  EXPECT_THAT(run({"--version"}).out, StartsWith("gopmill "));
}

TEST_F(Cli, RefusesWrongCommandLines) {
  refuses({}, 2, "subcommand");
  refuses({"transcode"}, 2, "no command 'transcode'");
  refuses({"run"}, 2, "INPUT is required");
  refuses({"run", "a.mp4", "-o", "out"}, 2, "--profile is required");
  refuses({"run", "a.mp4", "-p", "phone", "-o", "out", "--workers", "0"}, 2, "--workers");
  refuses({"run", "a.mp4", "-p", "phone", "-o", "out", "--fast"}, 2, "--fast");
  refuses({"submit", "a.mp4", "-p", "phone", "-o", "out", "--priority", "101"}, 2, "--priority");
  refuses({"wait", "three"}, 2, "three");
  refuses({"job"}, 2, "ID is required");
  refuses({"worker", "--connect", "somewhere"}, 2, "somewhere");
  refuses({"worker", "--connect", "ipc:///c", "--without-encoder", "av1"}, 2, "libsvtav1");
  Words nothing{"worker", "--connect", "ipc:///c"};
  for (const char* encoder : {"libx264", "libx265", "libsvtav1", "libvpx-vp9", "aac", "libopus"}) {
    nothing.insert(nothing.end(), {"--without-encoder", encoder});
  }
  refuses(nothing, 2, "nothing is left");
  refuses({"jobs", "--connect", "http://127.0.0.1:80"}, 2, "http://127.0.0.1:80");
  refuses({"coordinator", "--listen", "tcp://0.0.0.0:*", "--data", "data"}, 2, "--plain-network");
}

TEST_F(Cli, RefusesWrongProfiles) {
  write("clip.mp4", "not looked at yet");
  refuses({"run", "clip.mp4", "-p", "fone", "-o", "out"}, 78, "did you mean 'phone'");
  refuses({"run", "clip.mp4", "-p", "none.yaml", "-o", "out"}, 78, "none.yaml");
  write("typo.yaml", "extends: phone\nrenditons: []\n");
  refuses({"run", "clip.mp4", "-p", "typo.yaml", "-o", "out"}, 78, "typo.yaml:2:1");
  write("type.yaml", "extends: phone\ngop: soon\n");
  refuses({"profiles", "check", "type.yaml"}, 78, "type.yaml:2:6");
  write("range.yaml", "extends: phone\ngop: 1000\n");
  refuses({"profiles", "check", "range.yaml"}, 78, "range.yaml:2:6");
  refuses({"profiles", "show", "fone"}, 78, "did you mean 'phone'");
}

TEST_F(Cli, RefusesSourcesThatAreNone) {
  refuses({"run", "none.mp4", "-p", "preview", "-o", "out"}, 66, "none.mp4: No such file");
  refuses({"probe", "none.mp4"}, 66, "none.mp4");
  refuses({"verify", "none.mp4"}, 66, "none.mp4");
  std::filesystem::create_directory(folder_ / "folder.mp4");
  refuses({"run", "folder.mp4", "-p", "preview", "-o", "out"}, 66, "is a folder");
  ASSERT_EQ(::mkfifo((folder_ / "fifo.mp4").c_str(), 0600), 0);
  refuses({"run", "fifo.mp4", "-p", "preview", "-o", "out"}, 66, "not a regular file");
  write("empty.mp4", "");
  refuses({"run", "empty.mp4", "-p", "preview", "-o", "out"}, 65, "is empty");
  if (::geteuid() != 0) {
    write("secret.mp4", "x");
    std::filesystem::permissions(folder_ / "secret.mp4", std::filesystem::perms::none);
    refuses({"run", "secret.mp4", "-p", "preview", "-o", "out"}, 66, "Permission denied");
  }
}

TEST_F(Cli, FindsOutThatASourceIsNoClip) {
  write("text.mp4", std::string(5000, 'a'));
  refuses({"run", "text.mp4", "-p", "preview", "-o", "out", "--quiet"}, 65, "text.mp4");
  refuses({"probe", "text.mp4"}, 65, "text.mp4");
  make_clip("clip.mp4", "1");
  std::filesystem::resize_file(folder_ / "clip.mp4", std::filesystem::file_size(folder_ / "clip.mp4") / 2);
  refuses({"run", "clip.mp4", "-p", "preview", "-o", "out", "--quiet"}, 65, "clip.mp4");
}

TEST_F(Cli, RefusesOutputsItCannotMake) {
  write("clip.mp4", "not looked at yet");
  write("file", "x");
  refuses({"run", "clip.mp4", "-p", "preview", "-o", "file"}, 73, "not a folder");
  refuses({"run", "clip.mp4", "-p", "preview", "-o", "file/below"}, 73, "file/below");
  refuses({"run", "clip.mp4", "-p", "preview", "-o", "/proc/gopmill"}, 73, "/proc/gopmill");
  write("clip_360p.mp4", "an older one");
  refuses({"run", "clip.mp4", "-p", "preview", "-o", "."}, 73, "clip_360p.mp4 exists already");
  refuses({"make-clip", "file"}, 73, "exists already");
  write("other.mp4", "x");
  std::filesystem::create_directory(folder_ / "b");
  write("b/clip.mp4", "x");
  refuses({"run", "clip.mp4", "b/clip.mp4", "-p", "preview", "-o", "out"}, 2, "would both be written to");
  if (::geteuid() != 0) {
    std::filesystem::create_directory(folder_ / "mine");
    std::filesystem::permissions(folder_ / "mine", std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
    refuses({"run", "clip.mp4", "-p", "preview", "-o", "mine"}, 73, "Permission denied");
  }
}

TEST_F(Cli, SaysThatNoCoordinatorAnswers) {
  const std::string nobody = "ipc://" + (folder_ / "nobody").string();
  refuses({"jobs", "--connect", nobody}, 69, "no coordinator answers at " + nobody);
  write("clip.mp4", "x");
  refuses({"submit", "clip.mp4", "-p", "preview", "-o", "out", "--connect", nobody}, 69, "start one with `gopmill coordinator`");
}

TEST_F(Cli, RunMakesFilesAndAReportAndNothingElse) {
  make_clip("clip.mp4", "3");
  const Outcome first = run({"run", "clip.mp4", "-p", "preview", "-o", "out", "--workers", "2"});
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_THAT(files(), ElementsAre("clip.mp4", "out", "out/clip_360p.mp4", "out/report.json"));
  EXPECT_THAT(lines_of(first.out), ElementsAre((folder_ / "out/clip_360p.mp4").string(), (folder_ / "out/report.json").string()));
  EXPECT_THAT(first.err, Not(HasSubstr("\x1b")));
  EXPECT_THAT(first.err, HasSubstr("checked: 360p: "));

  refuses({"run", "clip.mp4", "-p", "preview", "-o", "out"}, 73, "--force");
  const std::string bytes = text_of(folder_ / "out/clip_360p.mp4");
  const Outcome again = run({"run", "clip.mp4", "-p", "preview", "-o", "out", "--force", "--quiet", "--json", "--workers", "1"});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(again.err, "");
  const auto json = nlohmann::json::parse(again.out);
  EXPECT_EQ(json["state"], "done");
  EXPECT_EQ(json["report"], (folder_ / "out/report.json").string());
  EXPECT_TRUE(text_of(folder_ / "out/clip_360p.mp4") == bytes) << "one worker or two: the same bytes";

  const Outcome verdict = run({"verify", "out/clip_360p.mp4", "--source", "clip.mp4", "--json"});
  EXPECT_EQ(verdict.code, 0) << verdict.out << verdict.err;
  EXPECT_TRUE(nlohmann::json::parse(verdict.out)["passed"]);
  const Outcome facts = run({"probe", "out/clip_360p.mp4", "--json"});
  EXPECT_EQ(nlohmann::json::parse(facts.out)["video"]["frames"], 75);
}

TEST_F(Cli, SeveralInputsGetAFolderEachAlsoWhereThePathIsTooLongForASocket) {
  make_clip("one.mp4", "1");
  std::filesystem::copy_file(folder_ / "one.mp4", folder_ / "two of them.mp4");
  const std::string deep = std::string(80, 'd') + "/" + std::string(80, 'e');
  const Outcome outcome = run({"run", "one.mp4", "two of them.mp4", "-p", "preview", "-o", deep, "--quiet"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Words made = files();
  EXPECT_THAT(Words(made.begin() + 2, made.end() - 1),
              ElementsAre(deep + "/one", deep + "/one/one_360p.mp4", deep + "/one/report.json", deep + "/two of them",
                          deep + "/two of them/report.json", deep + "/two of them/two of them_360p.mp4", "one.mp4"));
}

TEST_F(Cli, InterruptedRunLeavesNothing) {
  make_clip("clip.mp4", "8");
  for (const int signal : {SIGINT, SIGTERM}) {
    const Outcome outcome =
        interrupt({"run", "clip.mp4", "-p", "phone", "-o", "a/out", "--quiet"}, std::chrono::milliseconds(1500), signal);
    EXPECT_EQ(outcome.code, 130);
    EXPECT_THAT(lines_of(outcome.err), ElementsAre(StartsWith("gopmill: interrupted")));
    EXPECT_THAT(files(), ElementsAre("clip.mp4"));
    EXPECT_EQ(processes_with(folder_.string()), 0U);
  }
}

TEST_F(Cli, KilledRunLeavesNoProcessAndTheNextRunCleansUp) {
  make_clip("clip.mp4", "8");
  EXPECT_EQ(interrupt({"run", "clip.mp4", "-p", "phone", "-o", "out"}, std::chrono::milliseconds(1500), SIGKILL).code,
            128 + SIGKILL);
  // They notice each in their own time that it is gone.
  for (int i = 0; i < 400 && processes_with(folder_.string()) > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
  EXPECT_EQ(processes_with(folder_.string()), 0U);
  make_clip("short.mp4", "1");
  ASSERT_EQ(run({"run", "short.mp4", "-p", "preview", "-o", "out"}).code, 0);
  EXPECT_THAT(files(), ElementsAre("clip.mp4", "out", "out/report.json", "out/short_360p.mp4", "short.mp4"));
}

// A coordinator and a worker as a person starts them.
class FarmCli : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    start({"coordinator", "--listen", "tcp://127.0.0.1:*", "--data", (talk_ / "data").string()}, 1001);
    for (int i = 0; i < 200 && endpoint_.empty(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(25));
      for (const std::string& line : lines_of(text_of(said(1001, "err")))) {
        if (line.starts_with("listening on ")) endpoint_ = line.substr(13);
      }
    }
    ASSERT_NE(endpoint_, "") << text_of(said(1001, "err"));
    start({"worker", "--connect", endpoint_, "--slots", "2"}, 1002);
  }
  Words at_farm(Words words) {
    words.emplace_back("--connect");
    words.push_back(endpoint_);
    return words;
  }
  std::string endpoint_;
};

TEST_F(FarmCli, SubmitThenWaitThenWaitAgain) {
  make_clip("clip.mp4", "2");
  const Outcome submitted = run(at_farm({"submit", "clip.mp4", "-p", "preview", "-o", "out", "--priority", "70"}));
  ASSERT_EQ(submitted.code, 0) << submitted.err;
  EXPECT_EQ(submitted.out, "1\n");
  EXPECT_THAT(submitted.err, HasSubstr("gopmill wait 1"));
  EXPECT_THAT(files(), ElementsAre("clip.mp4")) << "nothing was put into the folder yet, so it is gone again";
  const Outcome waited = run(at_farm({"wait", "1"}));
  ASSERT_EQ(waited.code, 0) << waited.err;
  EXPECT_THAT(lines_of(waited.out),
              ElementsAre((folder_ / "out/clip_360p.mp4").string(), (folder_ / "out/report.json").string()));
  EXPECT_THAT(files(), ElementsAre("clip.mp4", "out", "out/clip_360p.mp4", "out/report.json"));
  const Outcome again = run(at_farm({"wait", "1"}));
  EXPECT_EQ(again.code, 0);
  EXPECT_THAT(again.err, HasSubstr("was delivered already"));
  const auto job = nlohmann::json::parse(run(at_farm({"job", "1", "--json"})).out);
  EXPECT_EQ(job["state"], "done");
  EXPECT_EQ(job["priority"], 70);
  EXPECT_EQ(job["delivered"], true);
  EXPECT_EQ(nlohmann::json::parse(run(at_farm({"jobs", "--json"})).out).size(), 1U);
  EXPECT_EQ(nlohmann::json::parse(run(at_farm({"workers", "--json"})).out)[0]["slots"], 2);
}

// Whoever is slower finds that the source is there already, and waits for the same job.
TEST_F(FarmCli, TheSameKeyFromSeveralPlacesIsOneJob) {
  make_clip("clip.mp4", "8");
  std::vector<pid_t> submitters;
  const auto number = [](int place) { return 100 + place; };
  for (int place = 0; place < 4; ++place) {
    submitters.push_back(start(at_farm({"submit", "clip.mp4", "-p", "preview", "-o", "out" + std::to_string(place), "--key",
                                        "one", "--wait", "--quiet"}),
                               number(place)));
  }
  for (int place = 0; place < 4; ++place) {
    const Outcome outcome = finish(submitters[static_cast<std::size_t>(place)], number(place));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
  }
  const auto jobs = nlohmann::json::parse(run(at_farm({"jobs", "--json"})).out);
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_EQ(jobs[0]["state"], "done");
}

TEST_F(FarmCli, FailedAndCancelledAndUnknownJobs) {
  write("text.mp4", std::string(5000, 'a'));
  refuses(at_farm({"submit", "text.mp4", "-p", "preview", "-o", "out", "--wait", "--quiet"}), 65, "text.mp4");
  refuses(at_farm({"wait", "99", "--quiet"}), 66, "no job 99");
  make_clip("clip.mp4", "8");
  const Outcome detached = interrupt(at_farm({"submit", "clip.mp4", "-p", "phone", "-o", "out", "--wait", "--quiet"}),
                                     std::chrono::milliseconds(1500), SIGINT);
  EXPECT_EQ(detached.code, 130);
  EXPECT_THAT(detached.err, HasSubstr("gopmill wait 2"));
  EXPECT_EQ(run(at_farm({"cancel", "2"})).code, 0);
  refuses(at_farm({"wait", "2", "--quiet"}), 1, "was cancelled");
  EXPECT_THAT(files(), ElementsAre("clip.mp4", "text.mp4"));
}

}  // namespace
}  // namespace gopmill
