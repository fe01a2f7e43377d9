#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "cli/terminal/progress.h"
#include "proto/messages.h"

namespace gopmill {

// Progress on stderr. Not thread-safe; destruction removes what is live.
class Display {
 public:
  enum class Style : std::uint8_t {
    kQuiet,  // nothing but lines of say()
    kPlain,  // whole lines now and then, no escape bytes
    kLive,   // rewritten in place
  };
  // What the terminal and the environment (TERM) ask for. NO_COLOR, set to anything, takes colours from the live style.
  static Style fitting_style(bool quiet);

  explicit Display(Style style);
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;
  ~Display();

  // All jobs that are watched, as they are now.
  void show(const std::vector<wire::JobStatus>& jobs, Instant now);
  // A source on its way.
  void show_upload(std::string_view name, std::uint64_t bytes, std::uint64_t bytes_total, Instant now);
  // A line that stays, unless quiet.
  void say(std::string_view line);
  // Removes what is live.
  void clear();

 private:
  void redraw(const std::vector<std::string>& lines);
  const Style style_;
  const bool colour_;
  std::size_t drawn_ = 0;  // lines of the live display
  Instant drawn_at_;
  Instant upload_said_at_;
  std::map<JobId, PaceMeter> meters_;
  PlainSchedule schedule_;
};

}  // namespace gopmill
