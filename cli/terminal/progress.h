#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "proto/messages.h"

namespace gopmill {

// What a person sees of running jobs, as text. Statuses and times in, lines out; cli/terminal/display.h puts them on a screen.

struct Pace {
  double fps = 0;              // frames of the source timeline per second, all renditions of each; 0 for audio alone
  double times_real_time = 0;  // media seconds per second
  friend bool operator==(const Pace&, const Pace&) = default;
};

// How fast one job goes, over the last kPaceWindow: the mean since the start would hide a worker that came or went.
class PaceMeter {
 public:
  void note(const wire::JobStatus& status, Instant now);
  // nullopt until there is something to compare with.
  [[nodiscard]] std::optional<Pace> pace() const;

 private:
  struct Sample {
    Instant at;
    std::uint64_t frames = 0;
    double media_seconds = 0;
  };
  std::deque<Sample> samples_;
};
inline constexpr Duration kPaceWindow{10'000};
inline constexpr Duration kPaceSpanMin{900};     // less than that is noise
inline constexpr Duration kStandstillMin{3000};  // nothing new for so long is slowness, not silence between two heartbeats

struct Look {
  std::size_t width = 80;  // columns; no line is longer
  bool colour = false;
};

// The live display of one job: its name and state, a bar, the renditions.
std::vector<std::string> live_lines(const wire::JobStatus& status, const std::optional<Pace>& pace, const Look& look);
// A transfer's, before the job can run.
std::string upload_line(std::string_view name, std::uint64_t bytes, std::uint64_t bytes_total, const Look& look);

// The same in one line without any escape byte.
std::string plain_line(const wire::JobStatus& status, const std::optional<Pace>& pace);

// Where no one watches live, a line is due per job at its first sight, at each 10 % and after 30 s without one.
class PlainSchedule {
 public:
  // True if a line is due now; it is then taken as said.
  bool due(JobId job, int percent, Instant now);

 private:
  struct Said {
    int tenth = 0;
    Instant at;
  };
  std::map<JobId, Said> said_;
};
inline constexpr Duration kPlainSilenceMax{30'000};

}  // namespace gopmill
