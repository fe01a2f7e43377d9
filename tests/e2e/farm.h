#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

// A real farm of real processes for end-to-end tests, on Unix sockets in a folder of its own. What it started is ended, by
// its process id, when it goes. These are the only tests that look at a wall clock.

namespace gopmill::e2e {

struct Outcome {
  int exit = -1;  // 128 + n: killed by signal n
  std::string out, err;
};

// A temporary folder, removed with everything in it.
class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Runs the binary under test to its end (at most `seconds`, then SIGKILL) and gives what it said.
Outcome gopmill(const std::vector<std::string>& arguments, int seconds = 300,
                const std::map<std::string, std::string>& environment = {});

class Farm {
 public:
  Farm();
  // On a folder that is there already.
  explicit Farm(std::filesystem::path data);
  Farm(const Farm&) = delete;
  Farm& operator=(const Farm&) = delete;
  ~Farm();

  // With further arguments, if any.
  void start_coordinator(std::vector<std::string> more = {});
  pid_t add_worker(int slots = 1);
  void signal(pid_t pid, int signal);
  // Kills and reaps.
  void kill(pid_t pid);
  void kill_coordinator();

  // The binary with --connect to this farm's coordinator.
  Outcome ask(std::vector<std::string> arguments, int seconds = 300);
  // Starts it and does not wait; finish() does.
  pid_t start(std::vector<std::string> arguments);
  int finish(pid_t pid, int seconds = 300);

  // Every regular file under the coordinator's spool.
  [[nodiscard]] std::vector<std::string> spool_files() const;
  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }
  [[nodiscard]] std::string log() const;  // what coordinator and workers said
  [[nodiscard]] pid_t coordinator() const { return coordinator_; }

 private:
  Folder folder_;
  std::filesystem::path data_;
  pid_t coordinator_ = -1;
  std::vector<pid_t> children_;
  int logs_ = 0;
};

// Processes whose parent is this one.
std::vector<pid_t> children_of(pid_t pid);

// Asks `holds` again and again until it says yes, for at most `seconds`.
bool eventually(const std::function<bool()>& holds, int seconds = 60);

// A clip of `seconds` made by the binary itself: moving frame and beeps.
std::filesystem::path make_source(const Folder& folder, int seconds);

// A small, quick ladder of two rungs in segments of two seconds, so that short clips have many tasks.
std::filesystem::path quick_profile(const Folder& folder);

std::string sha256_of(const std::filesystem::path& file);
std::string text_of(const std::filesystem::path& file);

}  // namespace gopmill::e2e
