#include "base/spawn.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "tests/base/spawned.h"

namespace gopmill {

namespace {

// An argument that starts so names a descriptor: what is in it is to be told.
constexpr const char* kAskedFd = "fd:";
constexpr const char* kVariable = "GOPMILL_SPAWN_TEST";

std::string content_of(int fd) {
  char bytes[100];
  const ssize_t got = ::pread(fd, bytes, sizeof bytes, 0);
  return got < 0 ? "(" + std::string(std::strerror(errno)) + ")" : std::string(bytes, static_cast<std::size_t>(got));
}

}  // namespace

int spawned_main(int argc, char** argv) {
  std::ostringstream told;
  for (int i = 0; i < argc; ++i) told << "argument " << argv[i] << "\n";
  told << "environment " << (*environ == nullptr ? "empty" : "some") << "\n";
  const char* variable = std::getenv(kVariable);
  told << "variable " << (variable == nullptr ? "none" : variable) << "\n";
  told << "group " << (::getpgrp() == ::getpid() ? "own" : "another's") << "\n";
  sigset_t blocked;
  sigprocmask(SIG_SETMASK, nullptr, &blocked);
  told << "SIGTERM " << (sigismember(&blocked, SIGTERM) == 1 ? "blocked" : "free") << "\n";
  struct sigaction pipe{};
  sigaction(SIGPIPE, nullptr, &pipe);
  told << "SIGPIPE " << (pipe.sa_handler == SIG_IGN ? "ignored" : "deadly") << "\n";
  told << "input '" << content_of(STDIN_FILENO) << "'\n";
  for (int i = 2; i < argc; ++i) {
    if (std::string_view(argv[i]).starts_with(kAskedFd))
      told << "descriptor '" << content_of(std::atoi(argv[i] + std::strlen(kAskedFd))) << "'\n";
  }
  told << "above " << (::fcntl(64, F_GETFD) < 0 && ::fcntl(65, F_GETFD) < 0 ? "nothing" : "something") << "\n";
  const std::string text = told.str();
  if (::write(kSpawnedTellsFd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) return 1;
  if (::write(STDERR_FILENO, "logged\n", 7) != 7) return 1;
  return kSpawnedExitCode;
}

namespace {

Fd file_with(std::string_view text) { return *memory_file(std::as_bytes(std::span(text))); }
// The same under a number that is not the one a spawned process tells by, however many this one inherited.
Fd far_up(const Fd& file) { return Fd(::fcntl(file.get(), F_DUPFD_CLOEXEC, 40)); }

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  return status;
}

// What a spawned process said of itself; where it could not be started, why not.
std::string told_by(Spawn spawn) {
  const Fd tells = file_with("");
  spawn.what = "a test's process";
  spawn.arguments.insert(spawn.arguments.begin(), kSpawnedArgument);
  spawn.handed_down.push_back({tells.get(), kSpawnedTellsFd});
  const auto pid = spawn_self(spawn);
  if (!pid) return pid.error().text;
  const int status = wait_for(*pid);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == kSpawnedExitCode) << status;
  return *read_all(tells.get(), 10'000);
}

class SpawnTest : public testing::Test {
 protected:
  SpawnTest() {
    std::string name = (std::filesystem::temp_directory_path() / "gopmill-test-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    ::setenv(kVariable, "set", 1);
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, &mask_);
    ::signal(SIGPIPE, SIG_IGN);
  }
  ~SpawnTest() override {
    ::signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &mask_, nullptr);
    ::unsetenv(kVariable);
    std::filesystem::remove_all(folder_);
  }
  [[nodiscard]] Spawn::Opened log() const { return {folder_ / "log", O_WRONLY | O_CREAT | O_APPEND, STDERR_FILENO}; }

  std::filesystem::path folder_;

 private:
  sigset_t mask_{};
};

TEST_F(SpawnTest, IsThisProgramWithSignalsAndAGroupOfItsOwn) {
  EXPECT_EQ(told_by({.arguments = {"two words", ""}, .opened = {log()}}),
            "argument gopmill\nargument spawned\nargument two words\nargument \nenvironment empty\nvariable none\ngroup own\n"
            "SIGTERM free\nSIGPIPE deadly\ninput ''\nabove nothing\n");
}

TEST_F(SpawnTest, KeepsTheEnvironmentWhereToldTo) {
  EXPECT_EQ(told_by({.keeps_environment = true, .opened = {log()}}),
            "argument gopmill\nargument spawned\nenvironment some\nvariable set\ngroup own\n"
            "SIGTERM free\nSIGPIPE deadly\ninput ''\nabove nothing\n");
}

TEST_F(SpawnTest, HandsDownDescriptorsWhoseNumbersCross) {
  const Fd one = far_up(file_with("one"));
  const Fd two = far_up(file_with("two"));
  const std::vector<std::string> asked{kAskedFd + std::to_string(one.get()), kAskedFd + std::to_string(two.get())};
  const auto told = [&](std::vector<Spawn::HandedDown> handed_down) {
    const std::string all = told_by({.arguments = asked, .handed_down = std::move(handed_down), .opened = {log()}});
    return all.substr(std::min(all.size(), all.find("descriptor")));
  };
  EXPECT_EQ(told({{one.get(), two.get()}, {two.get(), one.get()}}), "descriptor 'two'\ndescriptor 'one'\nabove nothing\n");
  EXPECT_EQ(told({{one.get(), one.get()}, {two.get(), two.get()}}), "descriptor 'one'\ndescriptor 'two'\nabove nothing\n");
  EXPECT_EQ(told({}), "descriptor '(Bad file descriptor)'\ndescriptor '(Bad file descriptor)'\nabove nothing\n");
}

TEST_F(SpawnTest, OpensFilesForTheNewProcess) {
  (void)told_by({.opened = {log()}});
  (void)told_by({.opened = {log()}});
  EXPECT_EQ(*read_file(folder_ / "log", 100), "logged\nlogged\n");
  struct stat facts{};
  ASSERT_EQ(::stat((folder_ / "log").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

TEST_F(SpawnTest, SaysWhatCouldNotBeStarted) {
  EXPECT_EQ(told_by({.opened = {{folder_ / "gone" / "log", O_WRONLY | O_CREAT, STDERR_FILENO}}}),
            "cannot start a test's process: No such file or directory");
  const auto unstarted = spawn_self({.what = "nothing", .handed_down = {{-1, 3}}});
  ASSERT_FALSE(unstarted);
  EXPECT_EQ(unstarted.error(), (Fault{FaultKind::kMachine, "cannot duplicate a descriptor: Bad file descriptor"}));
}

}  // namespace
}  // namespace gopmill
