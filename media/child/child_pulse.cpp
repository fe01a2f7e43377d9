#include "media/child/child_pulse.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <sstream>
#include <string>

#include "base/file.h"

namespace gopmill {

namespace {

constexpr std::size_t kStatBytesMax = 4096;

struct Vitals {
  Duration cpu{0};
  bool stopped = false;  // all threads, by a signal or a debugger
  bool asleep = false;   // all threads, waiting for something that is not a disk
};

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

// What /proc says of it in one read, as such files want to be read.
std::string text_of(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(kStatBytesMax, '\0');
  const ssize_t got = fd ? ::read(fd.get(), text.data(), text.size()) : -1;
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

// proc(5): "pid (name) state ppid … utime stime …"; a name may hold anything, also parentheses. False where it is not so.
bool read_thread(const std::string& stat, Vitals& vitals) {
  const std::size_t end_of_name = stat.rfind(')');
  if (end_of_name == stat.npos) return false;
  std::istringstream fields(stat.substr(end_of_name + 1));
  char state = 0;
  constexpr int kBetween = 10;  // ppid to cmajflt
  std::string skipped;
  std::int64_t user_ticks = 0, system_ticks = 0;
  fields >> state;
  for (int field = 0; field < kBetween; ++field) fields >> skipped;
  fields >> user_ticks >> system_ticks;
  if (!fields) return false;
  vitals.stopped = vitals.stopped && (state == 'T' || state == 't');
  vitals.asleep = vitals.asleep && state == 'S';
  vitals.cpu += Duration((user_ticks + system_ticks) * 1000 / ::sysconf(_SC_CLK_TCK));
  return true;
}

// None where /proc does not tell.
std::optional<Vitals> vitals_of(pid_t pid) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  const std::unique_ptr<DIR, CloseFolder> folder(::opendir(tasks.c_str()));
  if (!folder) return std::nullopt;
  Vitals vitals{Duration{0}, true, true};
  int threads = 0;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (entry->d_name[0] == '.') continue;
    // It may have ended meanwhile.
    threads += read_thread(text_of(tasks + "/" + entry->d_name + "/stat"), vitals) ? 1 : 0;
  }
  return threads == 0 ? std::nullopt : std::optional(vitals);
}

}  // namespace

std::optional<Fault> ChildPulse::feel(pid_t pid, bool owed, Instant now) {
  if (felt_ && now - *felt_ < kPulseEvery) return std::nullopt;
  const bool was_away = felt_ && now - *felt_ > kPulseGapMax;
  felt_ = now;
  const auto vitals = vitals_of(pid);
  if (!vitals) return std::nullopt;
  const bool moved = vitals->cpu != cpu_;
  cpu_ = vitals->cpu;
  const bool still = (vitals->stopped || (vitals->asleep && !owed)) && !moved && !was_away;
  still_ = still ? still_ + 1 : 0;
  if (still_ >= kStillMax) {
    const std::string text =
        "the media child has done nothing for " + std::to_string((kPulseEvery * kStillMax).count()) + " ms: ";
    if (vitals->stopped) return Fault{FaultKind::kMachine, text + "it is stopped"};
    return Fault{FaultKind::kPoison, text + "it waits for what never comes"};
  }
  if (cpu_max_ > Duration{0} && cpu_ - spoken_at_ > cpu_max_) {
    return Fault{FaultKind::kPoison,
                 "the media child computed for " + std::to_string(cpu_max_.count() / 1000) + " s without a word"};
  }
  return std::nullopt;
}

}  // namespace gopmill
