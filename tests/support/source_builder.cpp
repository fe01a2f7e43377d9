#include "tests/support/source_builder.h"

#include <algorithm>
#include <utility>

namespace gopmill::test {

SourceBuilder clip() { return SourceBuilder().base({1, 90000}).size(1280, 720); }

SourceBuilder& SourceBuilder::base(Rational ticks) {
  track_.base = ticks;
  track_.codec = "h264";
  return *this;
}

SourceBuilder& SourceBuilder::at(Rational rate) {
  // The last frame of the old rate is shown for its old duration.
  if (!track_.frames.empty()) {
    rate_from_ += rescale(rate_count_, {rate_.den, rate_.num}, track_.base);
    rate_count_ = 0;
  }
  rate_ = rate;
  return *this;
}

SourceBuilder& SourceBuilder::frames(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    track_.frames.push_back({.pts = rate_from_ + rescale(rate_count_++, {rate_.den, rate_.num}, track_.base)});
  }
  track_.last_duration = rescale(1, {rate_.den, rate_.num}, track_.base);
  return *this;
}

SourceBuilder& SourceBuilder::frame_after(std::int64_t ticks) {
  rate_from_ = track_.frames.empty() ? 0 : track_.frames.back().pts + ticks;
  rate_count_ = 0;
  return frames(1);
}

SourceBuilder& SourceBuilder::pause(std::int64_t ticks) {
  if (!track_.frames.empty()) rate_from_ += ticks;  // times count from the first frame
  return *this;
}

SourceBuilder& SourceBuilder::closed_gops(std::size_t frames) {
  keys_ = Keys::kClosed;
  gop_ = frames;
  return *this;
}

SourceBuilder& SourceBuilder::open_gops(std::size_t frames) {
  keys_ = Keys::kOpen;
  gop_ = frames;
  return *this;
}

SourceBuilder& SourceBuilder::intra_only() {
  keys_ = Keys::kIntra;
  return *this;
}

SourceBuilder& SourceBuilder::without_keys() {
  keys_ = Keys::kNone;
  return *this;
}

SourceBuilder& SourceBuilder::interlaced() {
  track_.interlaced = true;
  return *this;
}

SourceBuilder& SourceBuilder::field_packets() {
  field_packets_ = true;
  track_.evidence = Evidence::kDecoded;
  return *this;
}

SourceBuilder& SourceBuilder::size(int width, int height) {
  track_.width = width;
  track_.height = height;
  return *this;
}

SourceBuilder& SourceBuilder::colour(Colour colour) {
  track_.colour = colour;
  return *this;
}

SourceBuilder& SourceBuilder::audio_after(std::int64_t milliseconds) {
  AudioTrack track = stereo();
  track.starts_after_video.ticks = milliseconds * 48;
  if (!track_.frames.empty()) track.seconds = Timestamp{track_.frames.back().pts + track_.last_duration, track_.base}.seconds();
  return audio(track);
}

SourceBuilder& SourceBuilder::audio(AudioTrack track) {
  track.stream = static_cast<std::uint32_t>(facts_.audio.size() + 1);
  facts_.audio.push_back(std::move(track));
  return *this;
}

SourceBuilder& SourceBuilder::no_video() {
  has_video_ = false;
  return *this;
}

SourceFacts SourceBuilder::facts() const {
  SourceFacts facts = facts_;
  if (!has_video_) return facts;
  facts.video = track_;
  order_packets(*facts.video);
  return facts;
}

void SourceBuilder::order_packets(VideoTrack& track) const {
  const std::size_t count = track.frames.size();
  const std::size_t packets_each = field_packets_ ? 2 : 1;
  const bool clean = keys_ != Keys::kOpen;
  const std::size_t gop = keys_ == Keys::kIntra ? 1 : keys_ == Keys::kNone ? std::max<std::size_t>(count, 1) : gop_;
  std::vector<std::size_t> held;  // B frames that wait for the reference they are shown before
  std::uint32_t next = 0;
  const auto write = [&](std::size_t i) {
    track.frames[i].packet = next;
    if (i % gop == 0 && keys_ != Keys::kNone)
      track.keys.push_back({.packet = next, .pts = track.frames[i].pts, .clean = clean || i == 0});
    next += static_cast<std::uint32_t>(packets_each);
  };
  for (std::size_t i = 0; i < count; ++i) {
    const bool ends_closed_gop = clean && (i + 1) % gop == 0;
    if (i % gop % 3 != 0 && !ends_closed_gop && i + 1 != count) {
      held.push_back(i);
      continue;
    }
    write(i);
    for (const std::size_t b : std::exchange(held, {})) write(b);
  }
  track.packets = next;
}

AudioTrack stereo(int sample_rate, double seconds) {
  AudioTrack track;
  track.codec = "aac";
  track.sample_rate = sample_rate;
  track.channels = 2;
  track.packets = 1000;
  track.starts_after_video = {0, {1, sample_rate}};
  track.seconds = seconds;
  return track;
}

RenditionProfile rendition(const std::string& name) {
  RenditionProfile result;
  result.name = name;
  result.rate.quality = 23;
  result.preset = "medium";
  result.codec_profile = "high";
  result.level = "auto";
  return result;
}

Profile profile_with(std::vector<RenditionProfile> renditions) {
  Profile profile;
  profile.name = "test";
  profile.renditions = std::move(renditions);
  profile.audio = AudioProfile{};
  return profile;
}

Profile audio_profile() { return profile_with({}); }

}  // namespace gopmill::test
