#include "cli/terminal/progress.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "cli/terminal/talk.h"
#include "proto/job_state.h"
#include "views/job_json.h"

namespace gopmill {

namespace {

constexpr std::size_t kBarColumnsMax = 40;
constexpr std::size_t kBarColumnsMin = 10;  // a step per 10 %
constexpr std::string_view kGreen = "\x1b[32m";
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kPlain = "\x1b[0m";

std::uint64_t frames_done(const wire::JobStatus& status) {
  std::uint64_t frames = 0;
  for (const auto& rendition : status.renditions) frames = std::max(frames, rendition.frames_done);
  return frames;
}

std::string title(const wire::JobStatus& status) {
  return "job " + std::to_string(status.job.value) + "  " + printable(status.source_name) + "  " + printable(status.profile_name);
}

// "412 fps", "6.9x real time", "ETA 0:12", "workers busy 2": what is known of it.
std::vector<std::string> facts_of(const wire::JobStatus& status, const std::optional<Pace>& pace) {
  std::vector<std::string> facts;
  if (status.state == wire::JobState::kRunning) {
    if (pace && pace->fps > 0) facts.push_back(decimal_text(pace->fps, pace->fps < 10 ? 1 : 0) + " fps");
    if (pace && pace->times_real_time > 0)
      facts.push_back(decimal_text(pace->times_real_time, pace->times_real_time < 10 ? 1 : 0) + "x real time");
    if (status.eta >= Duration{0}) facts.push_back("ETA " + duration_text(status.eta));
    facts.push_back("workers busy " + std::to_string(status.workers_busy));
  }
  if (status.attempts_lost > 0) facts.push_back(std::to_string(status.attempts_lost) + " redone");
  return facts;
}

// "720p 57%" of those that have frames to count.
std::vector<std::string> renditions_of(const wire::JobStatus& status) {
  std::vector<std::string> texts;
  for (const auto& rendition : status.renditions) {
    if (rendition.frames_total > 0)
      texts.push_back(printable(rendition.name) + " " + std::to_string(percent_done(rendition)) + "%");
  }
  return texts;
}

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += between;
    text += part;
  }
  return text;
}

// The bar takes what the facts behind it leave of the line.
std::string bar(double share, std::size_t width, bool colour) {
  const auto filled = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(width));
  const std::string done(filled, '#');
  const std::string left(width - filled, '-');
  return "[" + (colour ? std::string(kGreen) + done + std::string(kPlain) : done) + left + "]";
}

std::string bar_line(double share, const std::string& behind, const Look& look) {
  const std::string percent = std::to_string(percent_of(share));
  const std::string text =
      std::string(4 - std::min<std::size_t>(percent.size(), 4), ' ') + percent + "%" + (behind.empty() ? "" : "  " + behind);
  const std::size_t room = look.width > columns(text) + 2 ? look.width - columns(text) - 2 : 0;
  const std::size_t bar_width = std::clamp<std::size_t>(room, kBarColumnsMin, kBarColumnsMax);
  if (bar_width + 2 >= look.width) return cut_to(text, look.width);
  return bar(share, bar_width, look.colour) + cut_to(text, look.width - bar_width - 2);
}

}  // namespace

void PaceMeter::note(const wire::JobStatus& status, Instant now) {
  if (status.state != wire::JobState::kRunning) {
    samples_.clear();
    return;
  }
  const std::uint64_t frames = frames_done(status);
  // A lost segment is counted down again: what was learnt before it says nothing about now.
  if (!samples_.empty() && frames < samples_.back().frames) samples_.clear();
  std::uint64_t total = 0;
  for (const auto& rendition : status.renditions) total = std::max(total, rendition.frames_total);
  const double share = total > 0 ? static_cast<double>(frames) / static_cast<double>(total) : status.work_done;
  const double media_seconds = share * static_cast<double>(status.media.count()) / 1000;
  // Workers tell what they have done once a second; between that, nothing new is no slowing down.
  const bool stands = !samples_.empty() && samples_.back().media_seconds >= media_seconds;
  if (stands && now - samples_.back().at < kStandstillMin) return;
  samples_.push_back({now, frames, media_seconds});
  while (samples_.size() > 2 && now - samples_[1].at >= kPaceWindow) samples_.pop_front();
}

std::optional<Pace> PaceMeter::pace() const {
  if (samples_.size() < 2) return std::nullopt;
  const Sample& first = samples_.front();
  const Sample& last = samples_.back();
  const Duration span = last.at - first.at;
  if (span < kPaceSpanMin) return std::nullopt;
  const double seconds = static_cast<double>(span.count()) / 1000;
  return Pace{.fps = static_cast<double>(last.frames - first.frames) / seconds,
              .times_real_time = std::max(0.0, last.media_seconds - first.media_seconds) / seconds};
}

std::vector<std::string> live_lines(const wire::JobStatus& status, const std::optional<Pace>& pace, const Look& look) {
  const std::string state(wire::job_state_word(status.state));
  const std::string name = cut_to(title(status), look.width > state.size() + 2 ? look.width - state.size() - 2 : look.width);
  std::vector<std::string> lines;
  lines.push_back(cut_to(name + "  " + state, look.width));
  if (look.colour) lines.back() = std::string(kBold) + lines.back() + std::string(kPlain);
  const double share = status.state == wire::JobState::kDone ? 1 : status.work_done;
  lines.push_back(bar_line(share, joined(facts_of(status, pace), "  "), look));
  const std::vector<std::string> renditions = renditions_of(status);
  if (!renditions.empty()) lines.push_back(cut_to("  " + joined(renditions, "  "), look.width));
  return lines;
}

std::string upload_line(std::string_view name, std::uint64_t bytes, std::uint64_t bytes_total, const Look& look) {
  const double share = bytes_total == 0 ? 1 : static_cast<double>(bytes) / static_cast<double>(bytes_total);
  return bar_line(share, "sending " + printable(name) + ", " + bytes_text(bytes_total), look);
}

std::string plain_line(const wire::JobStatus& status, const std::optional<Pace>& pace) {
  std::vector<std::string> parts{std::to_string(percent_done(status)) + "% " + std::string(wire::job_state_word(status.state))};
  for (std::string& rendition : renditions_of(status)) parts.push_back(std::move(rendition));
  for (std::string& fact : facts_of(status, pace)) parts.push_back(std::move(fact));
  return "job " + std::to_string(status.job.value) + " " + printable(status.source_name) + ": " + joined(parts, ", ");
}

bool PlainSchedule::due(JobId job, int percent, Instant now) {
  const int tenth = percent / 10;
  const auto [said, first] = said_.try_emplace(job, Said{tenth, now});
  if (!first && tenth <= said->second.tenth && now - said->second.at < kPlainSilenceMax) return false;
  // Falling back (a lost segment) is no news, and climbing again over the same 10 % is none either.
  said->second = {std::max(tenth, said->second.tenth), now};
  return true;
}

}  // namespace gopmill
