#include "media/timeline/losses.h"

#include <algorithm>

#include "base/check.h"

namespace gopmill {

namespace {

// Ranges closer than this are one: a frame's time is rounded to its base, its end to another.
constexpr double kTouchSeconds = 0.002;
// Losses a refusal names; a person reads no more, and the report of a salvage lists all.
constexpr std::size_t kRefusalRangesMax = 3;
// Where fewer packets than these give a frame, packets are fields or hold other packets' frames, and none is missed.
constexpr std::size_t kOneToOnePercent = 90;

std::string range_text(const Loss& loss) { return "from " + seconds_text(loss.from) + " to " + seconds_text(loss.to); }

std::int64_t time_of(const PacketFacts& packet) { return packet.pts != INT64_MIN ? packet.pts : packet.dts; }

// Packets as places on the timeline, for one kind of loss after the other.
class FrameTimes {
 public:
  FrameTimes(const std::vector<PacketFacts>& packets, Rational base, std::int64_t first_raw)
      : packets_(packets), base_(base), first_(first_raw) {
    std::vector<std::int64_t> durations;
    for (const PacketFacts& packet : packets) {
      if (packet.duration > 0) durations.push_back(packet.duration);
    }
    if (durations.empty()) return;
    const auto middle = durations.begin() + static_cast<std::ptrdiff_t>(durations.size() / 2);
    std::nth_element(durations.begin(), middle, durations.end());
    duration_ = *middle;
  }
  // One frame of this packet, as a loss; a packet without any time is where the one before it was.
  [[nodiscard]] Loss loss(DamageKind kind, std::uint32_t packet, const std::string& reason) const {
    std::uint32_t timed = packet;
    while (timed > 0 && time_of(packets_[timed]) == INT64_MIN) --timed;
    const std::int64_t time = time_of(packets_[timed]) == INT64_MIN ? first_ : time_of(packets_[timed]);
    const double from = static_cast<double>(time - first_) * base_.value();
    return {kind, from, from + static_cast<double>(duration_) * base_.value(), 1, reason};
  }

 private:
  const std::vector<PacketFacts>& packets_;
  Rational base_;
  std::int64_t first_ = 0;
  std::int64_t duration_ = 0;  // ticks, of most frames
};

// In order of time, as LossList wants them: packets are in the order of decoding.
std::vector<Loss> in_order(std::vector<Loss> single) {
  std::sort(single.begin(), single.end(), [](const Loss& a, const Loss& b) { return a.from < b.from; });
  LossList list;
  for (Loss& loss : single) list.add(std::move(loss));
  return list.all();
}

bool is_listed(const PacketFacts& packet) { return packet.visible && !packet.discard; }

// Which packets stand after some damage, up to a key packet that decodes and makes an end of it.
std::vector<bool> after_damage(const std::vector<PacketFacts>& packets, const std::vector<bool>& came,
                               const std::vector<bool>& refused, const std::vector<bool>& damaged) {
  std::vector<bool> suspect(packets.size());
  bool now = false;
  int keys_since = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    if (refused[i] || damaged[i] || packets[i].corrupt) {
      now = true;
      keys_since = 0;
    } else if (packets[i].key && came[i]) {
      // An open GOP's leading frames may still refer to what was damaged; behind the next key packet nothing does.
      now = now && !packets[i].clean && ++keys_since < 2;
    }
    suspect[i] = now;
  }
  return suspect;
}

// Does each packet give a frame of its own, where nothing is damaged? A file without such a place is taken to be of this kind.
bool gives_one_each(const std::vector<PacketFacts>& packets, const std::vector<bool>& came, const std::vector<bool>& suspect) {
  std::size_t listed = 0, shown = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    if (!is_listed(packets[i]) || suspect[i]) continue;
    ++listed;
    shown += came[i] ? 1 : 0;
  }
  return shown * 100 >= listed * kOneToOnePercent;
}

}  // namespace

void LossList::add(Loss loss) {
  const auto newest =
      std::find_if(losses_.rbegin(), losses_.rend(), [&](const Loss& before) { return before.kind == loss.kind; });
  const bool full = losses_.size() >= kLossesMax;
  if (newest != losses_.rend() && (full || loss.from <= newest->to + kTouchSeconds)) {
    newest->from = std::min(newest->from, loss.from);
    newest->to = std::max(newest->to, loss.to);
    newest->count += loss.count;
    if (newest->reason.empty()) newest->reason = std::move(loss.reason);
    return;
  }
  losses_.push_back(std::move(loss));
}

std::string_view word_of(DamageKind kind) {
  switch (kind) {
    case DamageKind::kFrames: return "frames missing";
    case DamageKind::kConcealed: return "frames damaged";
    case DamageKind::kAudio: return "audio damaged";
    case DamageKind::kEnd: return "cut off";
  }
  return "";
}

std::string describe(const Loss& loss) {
  const std::string count = std::to_string(loss.count);
  const bool one = loss.count == 1;
  std::string text;
  switch (loss.kind) {
    case DamageKind::kFrames:
      text = one ? "the frame at " + seconds_text(loss.from) : count + " frames " + range_text(loss);
      text += " cannot be decoded";
      break;
    case DamageKind::kConcealed:
      text = one ? "the frame at " + seconds_text(loss.from) + " is damaged"
                 : count + " frames " + range_text(loss) + " are damaged";
      break;
    case DamageKind::kAudio: text = "the audio " + range_text(loss) + " is damaged"; break;
    case DamageKind::kEnd: text = "the file is cut off after " + seconds_text(loss.from); break;
  }
  return loss.reason.empty() ? text : text + ": " + loss.reason;
}

std::string refusal(const std::vector<Loss>& losses) {
  GOPMILL_CHECK(!losses.empty());
  std::string text;
  for (std::size_t i = 0; i < losses.size() && i < kRefusalRangesMax; ++i) text += (i > 0 ? "; " : "") + describe(losses[i]);
  if (losses.size() > kRefusalRangesMax) text += "; and " + std::to_string(losses.size() - kRefusalRangesMax) + " more places";
  return text + ". Get a whole copy of it, or take what is there with --salvage, which lists every loss in the report";
}

std::vector<Loss> frame_losses(const std::vector<PacketFacts>& packets, const DecodedFrames& decoded, const DecodeEvents& events,
                               Rational base, std::int64_t first_raw) {
  std::vector<bool> came(packets.size()), refused(packets.size()), damaged(packets.size());
  for (const std::uint32_t i : decoded.shown) came[i] = true;
  for (const std::uint32_t i : events.refused) refused[i] = true;
  for (const std::uint32_t i : events.concealed) damaged[i] = true;
  const std::vector<bool> suspect = after_damage(packets, came, refused, damaged);
  const bool one_to_one = gives_one_each(packets, came, suspect);
  const auto first_key = std::ranges::find_if(packets, [](const PacketFacts& p) { return p.key; });
  const FrameTimes times(packets, base, first_raw);
  std::vector<Loss> lost, guessed;
  for (auto packet = first_key; packet != packets.end(); ++packet) {
    const auto i = static_cast<std::uint32_t>(packet - packets.begin());
    const std::int64_t time = time_of(*packet);
    const bool leading = time != INT64_MIN && time < time_of(*first_key);
    if (!is_listed(*packet) || leading) continue;
    if (came[i]) {
      if (damaged[i] || packet->corrupt) guessed.push_back(times.loss(DamageKind::kConcealed, i, events.reason));
    } else if (refused[i] || (suspect[i] && one_to_one)) {
      lost.push_back(times.loss(DamageKind::kFrames, i, events.reason));
    }
  }
  std::vector<Loss> losses = in_order(std::move(lost));
  std::ranges::move(in_order(std::move(guessed)), std::back_inserter(losses));
  return losses;
}

std::vector<Loss> marked_losses(const std::vector<PacketFacts>& packets, Rational base, std::int64_t first_raw) {
  const FrameTimes times(packets, base, first_raw);
  std::vector<Loss> marked;
  for (std::uint32_t i = 0; i < packets.size(); ++i) {
    const bool before = time_of(packets[i]) != INT64_MIN && time_of(packets[i]) < first_raw;
    if (packets[i].corrupt && packets[i].visible && !packets[i].discard && !before)
      marked.push_back(times.loss(DamageKind::kConcealed, i, "the container marks it as incomplete"));
  }
  return in_order(std::move(marked));
}

}  // namespace gopmill
