#include "media/steps/analyse/side_track_reader.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>

#include "media/av/decode/decoder.h"
#include "media/av/frame/frame.h"
#include "media/task/timeline.h"
#include "media/text/cue_text.h"
#include "media/text/language.h"

namespace gopmill {

namespace {

constexpr Rational kMicroseconds{1, 1'000'000};
// Text without an end is shown until the next one comes, and not longer than this: two full lines are read in it.
constexpr std::int64_t kCueMicrosecondsMax = 6'000'000;
constexpr std::int64_t kNever = INT64_MIN;
// A bitmap that nothing clears: signs stand that long, dialogue never does.
constexpr std::int64_t kBitmapMicrosecondsMax = 60'000'000;

using ToCueText = std::string (*)(std::string_view);
struct TextCodec {
  std::string_view name;
  ToCueText to_cue_text;
};
constexpr auto kTextCodecs = std::to_array<TextCodec>({{"subrip", cue_text_of_subrip},
                                                       {"text", cue_text_of_subrip},
                                                       {"ass", cue_text_of_ass},
                                                       {"ssa", cue_text_of_ass},
                                                       {"webvtt", cue_text_of_webvtt},
                                                       {"mov_text", cue_text_of_tx3g}});
constexpr auto kBitmapCodecs = std::to_array<std::string_view>({"hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle"});

ToCueText text_codec(std::string_view name) {
  const auto found = std::ranges::find(kTextCodecs, name, &TextCodec::name);
  return found == kTextCodecs.end() ? nullptr : found->to_cue_text;
}

// Microseconds after zero; nullopt where that is nowhere near the video.
std::optional<std::int64_t> after(std::int64_t ticks, Rational base, Timestamp zero) {
  if (base.num < 1 || base.num > INT32_MAX || base.den > INT32_MAX) return std::nullopt;
  if (std::abs(static_cast<double>(ticks) * base.value() - zero.seconds()) > kSourceSecondsMax) return std::nullopt;
  return rescale(ticks, base, kMicroseconds) - rescale(zero.ticks, zero.base, kMicroseconds);
}

// "timecode tracks", with their count.
std::string count_note(const std::string& things, std::size_t count) {
  return things + (count == 1 ? " is not carried" : "s are not carried: " + std::to_string(count));
}

}  // namespace

SideTrackReader::SideTrackReader(const std::vector<av::StreamFacts>& streams, av::Claims claims,
                                 const std::optional<BurnRequest>& burn)
    : claims_(std::move(claims)) {
  for (const av::StreamFacts& stream : streams) {
    if (stream.parameters.media != Media::kSubtitle || stream.index >= claims_.streams.size()) continue;
    const av::StreamClaim& claim = claims_.streams[stream.index];
    Reading reading;
    reading.base = stream.parameters.base;
    reading.track.stream = stream.index;
    reading.track.codec = stream.kind;
    reading.track.is_text = text_codec(stream.kind) != nullptr;
    reading.track.is_bitmap = std::ranges::find(kBitmapCodecs, stream.kind) != kBitmapCodecs.end();
    reading.track.language = claim.language;
    reading.track.title = claim.title;
    reading.track.is_default = stream.is_default;
    reading.track.is_forced = claim.is_forced;
    if (reading.track.is_text) wanted_.push_back(stream.index);
    readings_.push_back(std::move(reading));
  }
  if (burn) begin_burning(streams, *burn);
}

void SideTrackReader::begin_burning(const std::vector<av::StreamFacts>& streams, const BurnRequest& burn) {
  const auto rank = [&](const SubtitleTrack& track) {
    const auto matches = [&](const std::string& wanted) { return language_matches(track.language, wanted); };
    if (!track.is_bitmap || (burn.tracks == TrackChoice::kLanguages && std::ranges::none_of(burn.languages, matches))) return 0;
    return track.is_forced ? 3 : track.is_default ? 2 : 1;
  };
  const auto chosen = std::ranges::max_element(readings_, {}, [&](const Reading& each) { return rank(each.track); });
  if (chosen == readings_.end() || rank(chosen->track) == 0) return;
  const auto video = std::ranges::find_if(
      streams, [](const av::StreamFacts& s) { return s.parameters.media == Media::kVideo && !s.is_still_image; });
  const auto stream = std::ranges::find(streams, chosen->track.stream, &av::StreamFacts::index);
  if (video == streams.end() || stream == streams.end()) return;
  auto decoder = av::SubtitleDecoder::open(stream->parameters, video->parameters.width, video->parameters.height);
  if (!decoder) {
    burn_fault_ = decoder.error().text;
    return;
  }
  decoder_.emplace(std::move(*decoder));
  burning_ = static_cast<std::size_t>(chosen - readings_.begin());
  wanted_.push_back(chosen->track.stream);
}

bool SideTrackReader::wants(std::uint32_t stream) const { return std::ranges::find(wanted_, stream) != wanted_.end(); }

Result<> SideTrackReader::take(std::uint32_t stream, const JournalPacket& packet) {
  const auto reading = std::ranges::find(readings_, stream, [](const Reading& each) { return each.track.stream; });
  if (reading == readings_.end() || packet.discard) return {};
  if (reading->track.is_bitmap) return take_bitmap(packet);
  take_text(*reading, packet);
  return {};
}

void SideTrackReader::take_text(Reading& reading, const JournalPacket& packet) {
  SubtitleTrack& track = reading.track;
  Cue cue;
  cue.text = text_codec(track.codec)(packet.bytes);
  if (cue.text.empty()) return;  // the gaps of timed text, drawings, comments
  if (packet.pts == INT64_MIN || track.cues.size() == kCuesMax || text_bytes_ + cue.text.size() > kSubtitleBytesMax) {
    ++track.cues_left_out;
    return;
  }
  text_bytes_ += cue.text.size();
  cue.start = packet.pts;
  const std::int64_t room = INT64_MAX - std::max<std::int64_t>(packet.pts, 0);
  cue.end = packet.duration > 0 && packet.duration < room ? packet.pts + packet.duration : kNever;
  if (track.codec == "webvtt") cue.settings = cue_settings(av::webvtt_settings(packet));
  track.cues.push_back(std::move(cue));
}

Result<> SideTrackReader::take_bitmap(const JournalPacket& packet) {
  std::optional<Bitmap> bitmap = TRY(decoder_->send(packet));
  const auto at = packet.pts == INT64_MIN ? std::nullopt : after(packet.pts, readings_[burning_].base, Timestamp{});
  if (!bitmap || !at) return {};
  for (const BitmapRect& rect : bitmap->rects) bitmap_bytes_ += rect.runs.size() + rect.palette.size() * 4;
  if (bitmaps_.size() == kBitmapsMax || bitmap_bytes_ > kBitmapBytesMax) {
    return fail(FaultKind::kInput, "the subtitles to be burnt in are more than " + std::to_string(kBitmapsMax) + " or " +
                                       std::to_string(kBitmapBytesMax >> 20) + " MiB: drop them, or choose another track");
  }
  // A canvas without a size cannot be laid anywhere.
  if (bitmap->width < 1 || bitmap->height < 1 || bitmap->width > kBitmapSideMax || bitmap->height > kBitmapSideMax)
    bitmap->rects.clear();
  bitmap->start = *at + bitmap->start * 1000;
  bitmap->end = bitmap->end == INT64_MAX ? INT64_MAX : *at + bitmap->end * 1000;
  bitmaps_.push_back(std::move(*bitmap));
  return {};
}

void SideTrackReader::place_cues(Timestamp zero) {
  for (Reading& reading : readings_) {
    std::vector<Cue> placed;
    for (Cue& cue : reading.track.cues) {
      const auto start = after(cue.start, reading.base, zero);
      const auto end = cue.end == kNever ? std::optional(kNever) : after(cue.end, reading.base, zero);
      if (!start || !end) {
        ++reading.track.cues_left_out;
        continue;
      }
      cue.start = *start;
      cue.end = *end;
      placed.push_back(std::move(cue));
    }
    // The next one by time, which in the file may stand before it.
    std::vector<std::int64_t> starts;
    for (const Cue& cue : placed) starts.push_back(cue.start);
    std::ranges::sort(starts);
    for (Cue& cue : placed) {
      if (cue.end != kNever) continue;
      const auto next = std::ranges::upper_bound(starts, cue.start);
      cue.end = cue.start + kCueMicrosecondsMax;
      if (next != starts.end()) cue.end = std::min(cue.end, *next);
    }
    reading.track.cues = std::move(placed);
  }
}

// What is on the screen stays until its own end, or until the next thing comes.
void SideTrackReader::place_bitmaps(Timestamp zero) {
  const std::int64_t zero_us = rescale(zero.ticks, zero.base, kMicroseconds);
  std::vector<std::size_t> order(bitmaps_.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(bitmaps_[i].start, i); });
  for (std::size_t i = 0; i < order.size(); ++i) {
    Bitmap& bitmap = bitmaps_[order[i]];
    bitmap.end = std::min(bitmap.end, bitmap.start + kBitmapMicrosecondsMax);
    if (i + 1 < order.size()) bitmap.end = std::min(bitmap.end, bitmaps_[order[i + 1]].start);
    bitmap.start -= zero_us;
    bitmap.end -= zero_us;
    if (bitmap.end > bitmap.start && !bitmap.rects.empty()) readings_[burning_].track.bitmaps.push_back(std::move(bitmap));
  }
}

void SideTrackReader::place_chapters(Timestamp zero, Found& found) const {
  std::uint32_t left_out = claims_.chapters_left_out;
  for (const av::ChapterClaim& claim : claims_.chapters) {
    if (const auto start = after(claim.start, claim.base, zero)) {
      found.facts.chapters.push_back({*start, claim.title});
    } else {
      ++left_out;
    }
  }
  if (left_out > 0)
    found.notes.push_back(std::to_string(left_out) + " chapters are not carried: only " + std::to_string(kChaptersMax) +
                          " with sane times are");
}

// A cover that players are handed in the index is looked at first: as it is decoded here, so it will be there.
void SideTrackReader::check_cover(Found& found) const {
  if (!claims_.cover) return;
  StreamParameters parameters;
  parameters.media = Media::kVideo;
  parameters.codec = claims_.cover->png ? "png" : "mjpeg";
  std::optional<av::FrameFacts> seen;
  const auto on_frame = [&](AVFrame& frame) -> Result<> {
    seen = av::facts_of(frame);
    return {};
  };
  auto decoder = av::Decoder::open(parameters, {.threads = 1});
  JournalPacket packet;
  packet.bytes = claims_.cover->bytes;
  packet.key = true;
  const bool decoded = decoder && decoder->send(packet, on_frame) && decoder->finish(on_frame) && seen &&
                       decoder->refused() == 0 && seen->width <= kCoverSideMax && seen->height <= kCoverSideMax;
  if (decoded) {
    found.facts.cover = Cover{claims_.cover->png, seen->width, seen->height, claims_.cover->bytes};
  } else {
    found.notes.push_back("the cover cannot be decoded and is not carried");
  }
}

SideTrackReader::Found SideTrackReader::finish(Timestamp zero) {
  Found found;
  place_cues(zero);
  if (decoder_) place_bitmaps(zero);
  if (!burn_fault_.empty()) found.notes.push_back("subtitles cannot be burnt in: " + burn_fault_);
  for (Reading& reading : readings_) found.facts.subtitles.push_back(std::move(reading.track));
  place_chapters(zero, found);
  check_cover(found);
  found.facts.tags = claims_.tags;
  found.facts.tags_left_out = claims_.tags_left_out;
  found.facts.created_unix_s = claims_.created_unix_s;
  found.facts.location = claims_.location;
  static const std::map<av::Kind, std::string> kNotCarried = {
      {av::Kind::kTimecode, "timecode track"}, {av::Kind::kAttachment, "attached file"}, {av::Kind::kData, "data track"}};
  for (const auto& [kind, name] : kNotCarried) {
    const auto count = std::ranges::count(claims_.streams, kind, &av::StreamClaim::kind);
    if (count > 0) found.notes.push_back(count_note(name, static_cast<std::size_t>(count)));
  }
  return found;
}

}  // namespace gopmill
