#include "cli/terminal/display.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "cli/terminal/talk.h"
#include "proto/job_state.h"
#include "views/job_json.h"

namespace gopmill {

namespace {

// Ten frames a second look live and cost nothing.
constexpr Duration kRedrawEvery{100};

struct Screen {
  std::size_t width = 80;
  std::size_t height = 24;
};

Screen screen() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

bool set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

void write_screen(std::string_view bytes) {
  // A screen that takes no more is no reason to fail a job.
  [[maybe_unused]] const ssize_t wrote = ::write(STDERR_FILENO, bytes.data(), bytes.size());
}

}  // namespace

Display::Style Display::fitting_style(bool quiet) {
  if (quiet) return Style::kQuiet;
  const char* terminal = std::getenv("TERM");
  const bool capable = terminal != nullptr && *terminal != '\0' && std::string_view(terminal) != "dumb";
  return capable && ::isatty(STDERR_FILENO) == 1 ? Style::kLive : Style::kPlain;
}

Display::Display(Style style) : style_(style), colour_(!set("NO_COLOR")), upload_said_at_(monotonic_now()) {}

Display::~Display() { clear(); }

void Display::clear() {
  if (drawn_ > 0) write_screen("\x1b[" + std::to_string(drawn_) + "A\r\x1b[J");
  drawn_ = 0;
  drawn_at_ = {};
}

void Display::redraw(const std::vector<std::string>& lines) {
  // Above the top of the screen nothing can be rewritten: what does not fit is left out.
  const std::size_t count = std::min(lines.size(), screen().height - 1);
  std::string bytes = drawn_ > 0 ? "\x1b[" + std::to_string(drawn_) + "A\r\x1b[J" : "";
  for (std::size_t i = 0; i < count; ++i) bytes += lines[i] + "\n";
  write_screen(bytes);
  drawn_ = count;
}

void Display::show(const std::vector<wire::JobStatus>& jobs, Instant now) {
  if (style_ == Style::kQuiet) return;
  for (const wire::JobStatus& job : jobs) meters_[job.job].note(job, now);
  if (style_ == Style::kPlain) {
    for (const wire::JobStatus& job : jobs) {
      if (schedule_.due(job.job, percent_done(job), now)) gopmill::say(plain_line(job, meters_[job.job].pace()));
    }
    return;
  }
  if (now - drawn_at_ < kRedrawEvery) return;
  drawn_at_ = now;
  // A line that fills the last column makes some terminals go to the next one by themselves.
  const Look look{screen().width - 1, colour_};
  std::vector<std::string> lines;
  for (const wire::JobStatus& job : jobs) {
    if (is_final(job.state)) continue;
    for (std::string& line : live_lines(job, meters_[job.job].pace(), look)) lines.push_back(std::move(line));
  }
  redraw(lines);
}

void Display::show_upload(std::string_view name, std::uint64_t bytes, std::uint64_t bytes_total, Instant now) {
  if (style_ == Style::kLive && now - drawn_at_ >= kRedrawEvery) {
    drawn_at_ = now;
    redraw({upload_line(name, bytes, bytes_total, {screen().width - 1, colour_})});
  }
  // Short uploads are no news; long ones are told of as often as anything.
  if (style_ == Style::kPlain && now - upload_said_at_ >= kPlainSilenceMax) {
    upload_said_at_ = now;
    const std::uint64_t percent = bytes_total == 0 ? 100 : bytes * 100 / bytes_total;
    gopmill::say("sending " + printable(name) + ": " + std::to_string(percent) + "% of " + bytes_text(bytes_total));
  }
}

void Display::say(std::string_view line) {
  if (style_ == Style::kQuiet) return;
  clear();
  gopmill::say(printable(line));
}

}  // namespace gopmill
