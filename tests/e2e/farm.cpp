#include "tests/e2e/farm.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include "base/check.h"
#include "base/file.h"
#include "base/hash.h"

extern char** environ;

namespace gopmill::e2e {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kPause{20};

std::vector<std::string> with_environment(const std::map<std::string, std::string>& more) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text(*entry);
    if (!more.contains(text.substr(0, text.find('=')))) all.push_back(text);
  }
  for (const auto& [name, value] : more) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> all;
  for (std::string& text : strings) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

pid_t spawn(std::vector<std::string> arguments, const std::filesystem::path& out, const std::filesystem::path& err,
            const std::map<std::string, std::string>& environment) {
  arguments.insert(arguments.begin(), GOPMILL_BINARY);
  std::vector<std::string> variables = with_environment(environment);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, GOPMILL_BINARY, &actions, nullptr, pointers(arguments).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  GOPMILL_CHECK(error == 0);
  return pid;
}

// The exit code, or 128 + n; a process that is still there at the deadline is killed.
int wait_for(pid_t pid, int seconds) {
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  int status = 0;
  for (;;) {
    const pid_t got = ::waitpid(pid, &status, WNOHANG);
    if (got == pid) break;
    if (Clock::now() > deadline) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, &status, 0);
      break;
    }
    std::this_thread::sleep_for(kPause);
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

Folder::Folder() {
  const char* base = std::getenv("TMPDIR");
  std::string name = std::string(base && *base ? base : "/tmp") + "/gopmill-e2e-XXXXXX";
  GOPMILL_CHECK(::mkdtemp(name.data()));
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Outcome gopmill(const std::vector<std::string>& arguments, int seconds, const std::map<std::string, std::string>& environment) {
  const Folder folder;
  Outcome outcome;
  outcome.exit = wait_for(spawn(arguments, folder / "out", folder / "err", environment), seconds);
  outcome.out = text_of(folder / "out");
  outcome.err = text_of(folder / "err");
  return outcome;
}

Farm::Farm() : data_(folder_ / "data") { start_coordinator(); }
Farm::Farm(std::filesystem::path data) : data_(std::move(data)) { start_coordinator(); }

Farm::~Farm() {
  for (const pid_t pid : children_) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
}

void Farm::start_coordinator(std::vector<std::string> more) {
  std::vector<std::string> arguments{"coordinator", "--listen", "ipc://" + (folder_ / "c").string(), "--data", data_.string()};
  arguments.insert(arguments.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  coordinator_ = start(std::move(arguments));
  GOPMILL_CHECK(eventually([&] { return ask({"jobs", "--json"}).exit == 0; }));
}

pid_t Farm::add_worker(int slots) {
  return start({"worker", "--connect", "ipc://" + (folder_ / "c").string(), "--slots", std::to_string(slots)});
}

pid_t Farm::start(std::vector<std::string> arguments) {
  const std::string name = "log." + std::to_string(logs_++);
  const pid_t pid =
      spawn(std::move(arguments), folder_ / name, folder_ / name, {{"GOPMILL_CONNECT", "ipc://" + (folder_ / "c").string()}});
  children_.push_back(pid);
  return pid;
}

int Farm::finish(pid_t pid, int seconds) {
  std::erase(children_, pid);
  return wait_for(pid, seconds);
}

void Farm::signal(pid_t pid, int signal) { ::kill(pid, signal); }

void Farm::kill(pid_t pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  std::erase(children_, pid);
}

void Farm::kill_coordinator() { kill(coordinator_); }

Outcome Farm::ask(std::vector<std::string> arguments, int seconds) {
  return gopmill(arguments, seconds, {{"GOPMILL_CONNECT", "ipc://" + (folder_ / "c").string()}});
}

std::vector<std::string> Farm::spool_files() const {
  std::vector<std::string> files;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data_ / "spool", ignored)) {
    if (entry.is_regular_file()) files.push_back(entry.path().string());
  }
  return files;
}

std::string Farm::log() const {
  std::string all;
  for (int i = 0; i < logs_; ++i) all += "--- log." + std::to_string(i) + "\n" + text_of(folder_ / ("log." + std::to_string(i)));
  return all;
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  std::istringstream list(text_of("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children"));
  for (pid_t child = 0; list >> child;) children.push_back(child);
  return children;
}

bool eventually(const std::function<bool()>& holds, int seconds) {
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  while (!holds()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(kPause);
  }
  return true;
}

std::filesystem::path make_source(const Folder& folder, int seconds) {
  const auto path = folder / "clip.mp4";
  const Outcome made = gopmill({"make-clip", path.string(), "--seconds", std::to_string(seconds)});
  GOPMILL_CHECK(made.exit == 0);
  return path;
}

std::filesystem::path quick_profile(const Folder& folder) {
  auto path = folder / "quick.yaml";
  std::ofstream(path) << "name: quick\nsegment: 2\nrendition: {codec: h264, preset: veryfast}\n"
                         "renditions:\n  - {height: 240, quality: 26}\n  - {height: 144, quality: 28}\n";
  return path;
}

std::string sha256_of(const std::filesystem::path& file) {
  const auto fd = open_source(file);
  if (!fd) return fd.error().text;
  const auto sha = file_sha256(fd->get());
  return sha ? *sha : sha.error().text;
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

}  // namespace gopmill::e2e
