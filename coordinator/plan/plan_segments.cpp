#include "coordinator/plan/plan_segments.h"

#include <algorithm>
#include <cstdio>
#include <limits>

#include "base/check.h"
#include "coordinator/plan/plan_cost.h"
#include "coordinator/plan/plan_film.h"
#include "media/encoder/cold_start.h"
#include "media/encoder/encoder_facts.h"
#include "media/task/split_passes.h"

namespace gopmill {
namespace {

using Range = PlannedTask::Range;
using Bodies = std::vector<Range>;  // of one segment, per rendition
using Shows = std::vector<std::vector<std::uint32_t>>;

// A last segment shorter than either of these is made part of the one before it. Nothing follows it that an encoder
// could look ahead at, so all of it would be coded in the blind, and encoders that work in mini-GOPs (SVT-AV1: 16
// frames; x264 with fewer frames than its reorder delay) break on a stub.
constexpr std::int64_t kLastSegmentSecondsMin = 1;
constexpr std::uint64_t kLastSegmentFramesMin = 10;

// How far back from a frame its key packet is looked for. Reordering puts one or two key packets between; sources where
// more are there lie about their times, and are decoded from their first packet rather than searched for ever.
constexpr std::size_t kKeysBackMax = 64;

// The frame lists divided at every multiple of `length` seconds at which some rendition has frames on both sides.
std::vector<Bodies> divide(const std::vector<PlannedRendition>& renditions, Rational length) {
  std::vector<Bodies> segments;
  Bodies body(renditions.size());
  const auto ended = [&](std::size_t r) { return body[r].end == renditions[r].file.frames.size(); };
  for (bool all_ended = false; !all_ended;) {
    // The next segment is the first in which any rendition has a frame; where there is none, time is skipped.
    std::int64_t index = std::numeric_limits<std::int64_t>::max();
    for (std::size_t r = 0; r < renditions.size(); ++r) {
      const RenditionPlan& file = renditions[r].file;
      if (!ended(r)) index = std::min(index, multiple_reached(file.frames[body[r].end].pts, file.base, length));
    }
    all_ended = true;
    for (std::size_t r = 0; r < renditions.size(); ++r) {
      const RenditionPlan& file = renditions[r].file;
      const auto& frames = file.frames;
      const auto from = frames.begin() + static_cast<std::ptrdiff_t>(body[r].end);
      const auto within = [&](const PlannedFrame& frame) { return multiple_reached(frame.pts, file.base, length) <= index; };
      const auto to = std::partition_point(from, frames.end(), within);
      body[r] = {body[r].end, static_cast<std::uint64_t>(to - frames.begin())};
      all_ended = all_ended && ended(r);
    }
    segments.push_back(body);
  }
  return segments;
}

void append(Bodies& to, const Bodies& next) {
  for (std::size_t r = 0; r < to.size(); ++r) to[r].end = next[r].end;
}

bool lacks_a_rendition(const Bodies& bodies) {
  return std::ranges::any_of(bodies, [](Range range) { return range.first == range.end; });
}

// A rendition with few frames may have none where another has some: such a segment would be a task without a product, so it
// joins the one before it. The first has frames of all, because every rendition shows the first frame.
std::vector<Bodies> without_gaps(std::vector<Bodies> segments) {
  std::vector<Bodies> whole;
  for (Bodies& bodies : segments) {
    if (lacks_a_rendition(bodies) && !whole.empty()) {
      append(whole.back(), bodies);
    } else {
      whole.push_back(std::move(bodies));
    }
  }
  return whole;
}

bool is_stub(const Bodies& bodies, const std::vector<PlannedRendition>& renditions) {
  for (std::size_t r = 0; r < bodies.size(); ++r) {
    const RenditionPlan& file = renditions[r].file;
    const Timestamp lasts{file.frames.back().pts + file.last_duration - file.frames[bodies[r].first].pts, file.base};
    if (bodies[r].end - bodies[r].first < kLastSegmentFramesMin || lasts < Timestamp{kLastSegmentSecondsMin, {1, 1}}) return true;
  }
  return false;
}

// The packet a decoder starts at so that the frame of packet `first_needed` and everything shown from `first_pts` on
// is right. That is the last key packet before both in file order and in time (a key packet later in time has the
// frame as one of its leading frames, which refer past it), and where that is no clean start, one key packet more:
// frames after a recovery point are right only after a whole refresh, which the next recovery point bounds. Packet 0
// where there is none.
std::uint32_t start_packet(const VideoTrack& track, std::uint32_t first_needed, std::int64_t first_pts) {
  const auto& keys = track.keys;
  auto after = static_cast<std::size_t>(std::ranges::upper_bound(keys, first_needed, {}, &KeyPacket::packet) - keys.begin());
  for (std::size_t steps = 0; after > 0 && steps < kKeysBackMax; --after, ++steps) {
    const KeyPacket& key = keys[after - 1];
    if (key.pts > first_pts) continue;
    if (key.clean) return key.packet;
    return after >= 2 ? keys[after - 2].packet : 0;
  }
  return 0;
}

PacketRun run_for(const std::vector<std::uint32_t>& frames, const VideoTrack& track) {
  GOPMILL_CHECK(!frames.empty());
  PacketRun run{.stream = track.stream, .first = std::numeric_limits<std::uint32_t>::max()};
  for (const std::uint32_t frame : frames) {
    run.first = std::min(run.first, track.frames[frame].packet);
    run.end = std::max(run.end, track.frames[frame].packet + 1);
  }
  // A frame of two field packets names one of them.
  if (track.evidence == Evidence::kDecoded) run.end = std::min(run.end + 1, track.packets);
  run.first = start_packet(track, run.first, track.frames[frames.front()].pts);
  return run;
}

// One linear read writes all runs, so they must begin in order. Reordered key times could break that by a few packets; then the earlier
// run takes them too.
void begin_in_order(std::vector<Segment>& segments) {
  for (std::size_t i = segments.size(); i-- > 1;) {
    segments[i - 1].run.first = std::min(segments[i - 1].run.first, segments[i].run.first);
  }
}

// How much of the source all linear reads together take, in times the source.
double reads_of(const std::vector<Segment>& segments, const VideoTrack& track) {
  std::vector<PacketRun> runs;
  for (const Segment& segment : segments) runs.push_back(segment.run);
  std::uint64_t packets = 0;
  std::uint32_t next = 0;
  for (const std::uint32_t end : split_passes(runs)) {
    std::uint32_t last = 0;
    for (; next < end; ++next) last = std::max(last, runs[next].end);
    packets += last;
  }
  return static_cast<double>(packets) / static_cast<double>(track.packets);
}

double encode_all_seconds(const std::vector<PlannedRendition>& renditions) {
  double seconds = 0;
  for (const PlannedRendition& rendition : renditions)
    seconds += static_cast<double>(rendition.file.frames.size()) * encode_seconds(rendition.encoder);
  return seconds;
}

// How often a segment is decoded: once for all renditions, and once before for those that are encoded in two passes.
int decodes_of(const std::vector<PlannedRendition>& renditions) {
  const auto in_two = [](const PlannedRendition& rendition) { return facts_of(rendition.encoder.encoder).two_passes; };
  return std::ranges::any_of(renditions, in_two) ? 2 : 1;
}

// The segments of this length, and what decoding them costs.
Segmentation cut_at(Rational length, const std::vector<PlannedRendition>& renditions, const Shows& shows,
                    const std::vector<WovenFrame>& woven, const VideoTrack& track, Joins joins) {
  std::vector<Bodies> cut = without_gaps(divide(renditions, length));
  if (cut.size() > 1 && is_stub(cut.back(), renditions)) {
    append(cut[cut.size() - 2], cut.back());
    cut.pop_back();
  }
  Segmentation result;
  std::uint64_t decoded = 0;
  for (Bodies& bodies : cut) {
    Bodies reaches;
    for (std::size_t r = 0; r < bodies.size(); ++r) reaches.push_back(with_context(renditions[r], bodies[r], joins));
    const std::size_t count = woven.empty() ? track.frames.size() : woven.size();
    const PacketRun run = run_for(frames_of(wanted_frames(reaches, shows, count, track.interlaced), woven), track);
    result.segments.push_back({std::move(bodies), run});
  }
  begin_in_order(result.segments);
  for (const Segment& segment : result.segments) decoded += segment.run.end - segment.run.first;
  result.decode_ratio = static_cast<double>(decoded) / static_cast<double>(track.packets);
  const double decode = decode_seconds(track) * decodes_of(renditions);
  const double work = decode * result.decode_ratio + encode_all_seconds(renditions);
  result.repeated_decode = work > 0 ? decode * (result.decode_ratio - 1) / work : 0;
  result.reads = reads_of(result.segments, track);
  return result;
}

// "%.3g" of a number, for people: 1.83, 10, 2.5.
std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

bool too_short(const Segmentation& cut) {
  return cut.segments.size() > 1 &&
         (cut.repeated_decode > kRepeatedDecodeMax || cut.reads > kSplitReadsMax || cut.segments.size() > kSegmentsMax);
}

std::string longer_note(const Segmentation& asked, const Segmentation& got, Rational asked_length, Rational got_length) {
  const std::string to = got.segments.size() == 1 ? "one segment" : "segments of " + short_number(got_length.value()) + " s";
  const std::string reason = asked.segments.size() > kSegmentsMax
                                 ? "the shorter ones would be more than " + std::to_string(kSegmentsMax)
                                 : "the shorter ones would decode the source " + short_number(asked.decode_ratio) +
                                       " times over, because its key frames are far apart or the segments short";
  return to + " instead of segments of " + short_number(asked_length.value()) + " s: " + reason;
}

}  // namespace

Range with_context(const PlannedRendition& rendition, Range body, Joins joins) {
  const auto& frames = rendition.file.frames;
  Range reach = body;
  reach.end = std::min<std::uint64_t>(body.end + lookahead_frames(rendition.encoder), frames.size());
  reach.first -= memory_of(rendition.encoder, joins, body.first);
  while (!frames[reach.first].key) --reach.first;
  return reach;
}

std::vector<std::uint32_t> wanted_frames(const std::vector<Range>& ranges, const Shows& shows, std::size_t count,
                                         bool interlaced) {
  const std::uint32_t context = interlaced ? 1 : 0;  // yadif and bwdif look one frame back and one ahead (measured)
  const auto last_frame = static_cast<std::uint32_t>(count - 1);
  std::uint32_t low = last_frame, high = 0;
  for (std::size_t r = 0; r < ranges.size(); ++r) {
    GOPMILL_CHECK(ranges[r].first < ranges[r].end && ranges[r].end <= shows[r].size());
    low = std::min(low, shows[r][ranges[r].first]);
    high = std::max(high, shows[r][ranges[r].end - 1]);
  }
  low -= std::min(low, context);
  high = std::min(high + context, last_frame);
  std::vector<bool> wanted(high - low + 1);
  for (std::size_t r = 0; r < ranges.size(); ++r) {
    for (std::uint64_t i = ranges[r].first; i < ranges[r].end; ++i) {
      const std::uint32_t frame = shows[r][i];
      const std::uint32_t to = std::min(frame + context, last_frame);
      for (std::uint32_t p = frame - std::min(frame, context); p <= to; ++p) wanted[p - low] = true;
    }
  }
  std::vector<std::uint32_t> frames;
  for (std::uint32_t p = low; p <= high; ++p) {
    if (wanted[p - low]) frames.push_back(p);
  }
  return frames;
}

Segmentation cut_segments(const std::vector<PlannedRendition>& renditions, const Shows& shows,
                          const std::vector<WovenFrame>& woven, const VideoTrack& track, const Profile& profile) {
  GOPMILL_CHECK(!renditions.empty() && profile.segment.num > 0);
  const auto cut = [&](std::int64_t times) {
    return cut_at({profile.segment.num * times, profile.segment.den}, renditions, shows, woven, track, profile.joins);
  };
  const Segmentation asked = cut(1);
  if (!too_short(asked)) return asked;
  // Any multiple is a multiple of the GOP, so the grid of key frames, and with it every output frame, stays as it is. The
  // first that will do lies between the last two powers of two; doubling ends when one segment is longer than the video.
  std::int64_t low = 1, high = 2;
  Segmentation got = cut(high);
  while (too_short(got)) {
    low = high;
    high *= 2;
    got = cut(high);
  }
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    Segmentation tried = cut(middle);
    if (too_short(tried)) {
      low = middle;
    } else {
      high = middle;
      got = std::move(tried);
    }
  }
  got.note = longer_note(asked, got, profile.segment, {profile.segment.num * high, profile.segment.den});
  return got;
}

std::uint32_t lookahead_frames(const EncoderSettings& encoder) {
  return std::min(facts_of(encoder.encoder).lookahead_frames(encoder), kLookaheadFramesMax);
}

}  // namespace gopmill
