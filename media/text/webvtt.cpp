#include "media/text/webvtt.h"
#include "media/text/cue_text.h"

#include <array>
#include <cstdio>
#include <optional>

namespace gopmill {

namespace {

constexpr std::string_view kArrow = " --> ";

// "00:01:02.345"; hours take as many digits as they need, at least two.
std::string time_text(std::int64_t ms) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%02lld:%02lld:%02lld.%03lld", static_cast<long long>(ms / 3'600'000),
                static_cast<long long>(ms / 60'000 % 60), static_cast<long long>(ms / 1000 % 60),
                static_cast<long long>(ms % 1000));
  return text.data();
}

std::optional<std::int64_t> digits(std::string_view text, std::size_t least, std::size_t most) {
  if (text.size() < least || text.size() > most) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<std::int64_t> time_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view rest = text.substr(colon + 1);
  if (rest.size() != 9 || rest[2] != ':' || rest[5] != '.') return std::nullopt;
  const auto hours = digits(text.substr(0, colon), 2, 6);
  const auto minutes = digits(rest.substr(0, 2), 2, 2);
  const auto seconds = digits(rest.substr(3, 2), 2, 2);
  const auto ms = digits(rest.substr(6), 3, 3);
  if (!hours || !minutes || !seconds || !ms || *minutes > 59 || *seconds > 59) return std::nullopt;
  return ((*hours * 60 + *minutes) * 60 + *seconds) * 1000 + *ms;
}

// Lines of a file, counted.
class Lines {
 public:
  explicit Lines(std::string_view text) : left_(text) {}
  [[nodiscard]] bool at_end() const { return left_.empty(); }
  [[nodiscard]] std::size_t number() const { return number_; }
  // False where the last line has no end.
  bool next(std::string_view& line) {
    const std::size_t end = left_.find('\n');
    if (end == std::string_view::npos) return false;
    line = left_.substr(0, end);
    left_.remove_prefix(end + 1);
    ++number_;
    return true;
  }

 private:
  std::string_view left_;
  std::size_t number_ = 0;
};

std::unexpected<Fault> wrong(const Lines& lines, const char* what) {
  return fail(FaultKind::kInternal, "line " + std::to_string(lines.number()) + ": " + what);
}

// "start --> end settings"
std::optional<Cue> timing_of(std::string_view line) {
  const std::size_t arrow = line.find(kArrow);
  if (arrow == std::string_view::npos) return std::nullopt;
  std::string_view rest = line.substr(arrow + kArrow.size());
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const auto from = time_of(line.substr(0, arrow));
  const auto to = time_of(rest.substr(0, end));
  if (!from || !to || *to <= *from) return std::nullopt;
  Cue cue;
  cue.start = *from;
  cue.end = *to;
  rest.remove_prefix(end);
  if (!rest.empty()) {
    cue.settings = rest.substr(1);
    if (cue.settings.empty() || cue_settings(cue.settings) != cue.settings) return std::nullopt;
  }
  return cue;
}

}  // namespace

std::string webvtt_of(const TextTrack& track) {
  std::string text = "WEBVTT\n";
  if (!track.language.empty()) text += "\nNOTE language: " + track.language + "\n";
  for (const Cue& cue : track.cues) {
    text.append("\n").append(time_text(cue.start)).append(kArrow).append(time_text(cue.end));
    if (!cue.settings.empty()) text.append(" ").append(cue.settings);
    text.append("\n").append(cue.text).append("\n");
  }
  return text;
}

Result<std::vector<Cue>> read_webvtt(std::string_view file) {
  Lines lines(file);
  std::string_view line;
  if (!lines.next(line) || line != "WEBVTT") return wrong(lines, "no WebVTT signature");
  std::vector<Cue> cues;
  bool more = !lines.at_end();
  if (more && (!lines.next(line) || !line.empty())) return wrong(lines, "no empty line before a block");
  while (more) {
    if (!lines.next(line) || line.empty()) return wrong(lines, "an empty block");
    const bool note = cues.empty() && line.starts_with("NOTE language: ") && line.find("-->") == std::string_view::npos;
    auto cue = timing_of(line);
    if (!note && !cue) return wrong(lines, "no times of a cue");
    bool ended = false;
    while (!lines.at_end() && !ended) {
      if (!lines.next(line)) return wrong(lines, "a line without end");
      ended = line.empty();
      if (ended) continue;
      if (note) return wrong(lines, "a comment of two lines");
      cue->text += (cue->text.empty() ? "" : "\n") + std::string(line);
    }
    more = ended;
    if (note) continue;
    if (cue->text.empty() || !is_cue_text(cue->text)) return wrong(lines, "a cue whose text is not cue text");
    if (!cues.empty() && cue->start < cues.back().start) return wrong(lines, "a cue that starts before the one above it");
    cues.push_back(std::move(*cue));
  }
  return cues;
}

}  // namespace gopmill
