// Interlaced and telecined clips, from their packets to the frames that encoders are given.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

extern "C" {
#include <libavutil/frame.h>
}

#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "coordinator/plan/plan.h"
#include "media/av/decode/decoder.h"
#include "media/av/frame/filter.h"
#include "media/av/frame/frame.h"
#include "media/av/frame/weave.h"
#include "media/steps/analyse/scan.h"
#include "media/steps/work.h"
#include "tests/support/clips.h"
#include "tests/support/lossless_job.h"
#include "tests/support/parent_double.h"
#include "tests/support/seen.h"
#include "tests/support/source_builder.h"

namespace gopmill {
namespace {

using test::analysed;
using test::ClipVideo;
using ::testing::HasSubstr;

constexpr std::uint32_t kStep = 12;  // of the gradient, from moment to moment: enough to comb

// Every field its own moment.
ClipVideo video(bool top_first) {
  ClipVideo frame{.encoder = "mpeg2video", .width = 192, .height = 128, .base = {1, 25}, .frames = 150, .gop = 12, .b_frames = 2};
  frame.open_gop = true;
  frame.options = {{"b", "6000000"}};
  frame.moment = [top_first](std::uint32_t n, bool bottom) { return kStep * (2 * n + (bottom == top_first ? 1 : 0)); };
  return frame;
}

// 2:3 pulldown: of each five frames, ten fields, film frames 0 1 2 3 have two, three, two and three.
std::uint32_t film_moment(std::uint32_t frame, bool bottom, bool top_first) {
  constexpr std::uint32_t kFilmOfField[10] = {0, 0, 1, 1, 1, 2, 2, 3, 3, 3};
  const std::uint32_t field = 2 * frame + (bottom == top_first ? 1 : 0);
  return kStep * (field / 10 * 4 + kFilmOfField[field % 10]);
}
ClipVideo telecined(bool top_first) {
  ClipVideo frame = video(top_first);
  frame.base = {1001, 30000};
  frame.moment = [top_first](std::uint32_t n, bool bottom) { return film_moment(n, bottom, top_first); };
  return frame;
}
ClipVideo moving() {
  ClipVideo frame = video(true);
  frame.moment = [](std::uint32_t n, bool) { return kStep * n; };
  return frame;
}

VideoTrack track_of(const ClipVideo& frame, const std::string& container = "mpegts") {
  return *analysed(test::make_clip({.frame = frame, .container = container})).video;
}

// ---- What the analysis says ----

TEST(FieldsOfClips, OneAnswerForTheFileWhateverTheFlagsSay) {
  for (const bool top_first : {true, false}) {
    for (const std::optional<bool> flagged : {std::optional<bool>(), std::optional<bool>(true), std::optional<bool>(false)}) {
      ClipVideo frame = video(top_first);
      frame.coded_top_first = flagged;
      const VideoTrack track = track_of(frame);
      EXPECT_EQ(track.scan, Scan::kInterlaced) << track.scan_evidence;
      EXPECT_EQ(track.top_first, top_first) << track.scan_evidence;
      EXPECT_TRUE(track.interlaced);
    }
  }
  ClipVideo segmented = moving();
  segmented.coded_top_first = true;
  const VideoTrack track = track_of(segmented);
  EXPECT_EQ(track.scan, Scan::kProgressive) << track.scan_evidence;
  EXPECT_FALSE(track.interlaced);
  EXPECT_THAT(track.scan_evidence, HasSubstr("though flagged interlaced"));
}

TEST(FieldsOfClips, H264InFieldsOfEveryFrame) {
  ClipVideo frame = video(true);
  frame.encoder = "libx264";
  frame.options = {{"x264-params", "tff=1:keyint=12:scenecut=0"}, {"preset", "veryfast"}, {"crf", "16"}};
  frame.coded_top_first = true;
  const VideoTrack track = track_of(frame, "mp4");
  EXPECT_EQ(track.scan, Scan::kInterlaced) << track.scan_evidence;
  EXPECT_TRUE(track.top_first);
}

TEST(FieldsOfClips, TelecineIsFoundWithEveryFilmFrame) {
  for (const bool top_first : {true, false}) {
    const VideoTrack track = track_of(telecined(top_first));
    ASSERT_EQ(track.scan, Scan::kTelecined) << track.scan_evidence;
    EXPECT_EQ(track.top_first, top_first);
    EXPECT_FALSE(track.interlaced) << track.scan_evidence;
    std::vector<std::uint8_t> expected;
    for (int i = 0; i < 30; ++i) expected.insert(expected.end(), {2, 3, 2, 3});
    EXPECT_EQ(track.film, expected) << track.scan_evidence;
  }
}

TEST(FieldsOfClips, SamplesAreSpreadAndNeverMoreThanTheLimit) {
  std::vector<PacketFacts> packets(100'000);
  for (std::size_t i = 0; i < packets.size(); i += 50) packets[i].key = true;
  const auto starts = scan_run_starts(packets);
  ASSERT_EQ(starts.size(), kScanRuns);
  EXPECT_EQ(starts.front(), 0U);
  EXPECT_GT(starts.back(), 90'000U);
  for (const std::uint32_t start : starts) EXPECT_TRUE(packets[start].key);
  std::vector<PacketFacts> lonely(5000);
  lonely[0].key = true;
  EXPECT_EQ(scan_run_starts(lonely), std::vector<std::uint32_t>{0});
}

// ---- What encoders are given ----

std::vector<std::string> frames(const Fd& clip, const SourceFacts& source, Rational segment, Telecine telecine) {
  std::vector<std::string> hashes;
  for (const Fd& journal : test::lossless_job(clip, source, segment, telecine)) {
    const auto seen = test::frame_hashes(journal.get());
    hashes.insert(hashes.end(), seen.begin(), seen.end());
  }
  return hashes;
}

// The luma of the twentieth frame, combed, after a filter that began at frame `first`; `combed_before`: another one on the way to it.
std::optional<std::string> twentieth(std::uint32_t first, std::uint32_t combed_before) {
  static const Fd packets =
      test::journal_of_track(test::make_clip({.frame = video(true), .container = "mpegts"}).get(), Media::kVideo);
  av::FrameFilter::Settings settings;
  settings.shape = {192, 128};
  settings.deinterlace = true;
  settings.targets = {{192, 128}};
  av::FrameFilter filter(settings);
  JournalReader journal = *JournalReader::open(packets.get(), 0);
  av::Decoder decoder = *av::Decoder::open(journal.parameters(), {.threads = 1});
  std::uint32_t at = 0;
  std::optional<std::string> found;
  const auto on_frame = [&](std::size_t, std::int64_t index, AVFrame& frame) -> Result<> {
    EXPECT_GE(index, first);
    if (index != 20) return {};
    found.emplace();
    for (int y = 0; y < frame.height; ++y)
      found->append(reinterpret_cast<const char*>(frame.data[0] + static_cast<std::ptrdiff_t>(y) * frame.linesize[0]), 192);
    return {};
  };
  const auto on_decoded = [&](AVFrame& frame) -> Result<> {
    const std::uint32_t index = at++;
    if (index < first) return {};
    av::set_fields(frame, index == 20 || index == combed_before, true);
    return filter.push(frame, index, on_frame);
  };
  while (const auto packet = *journal.next()) EXPECT_TRUE(decoder.send(*packet, on_decoded));
  return found;
}

TEST(FieldsOfClips, ACombedFrameIsTheSameWhereverTheFilterBegan) {
  const auto expected = twentieth(0, 5);
  ASSERT_TRUE(expected);
  for (const auto& [first, combed] : {std::pair(0U, 1000U), std::pair(10U, 15U), std::pair(10U, 10U), std::pair(19U, 1000U)}) {
    const auto found = twentieth(first, combed);
    ASSERT_TRUE(found);
    EXPECT_TRUE(*found == *expected) << "begun at " << first << ", combed " << combed;
  }
}

class Cuts : public ::testing::TestWithParam<int> {};

TEST_P(Cuts, ChangeNoFrameThatAnEncoderIsGiven) {
  const ClipVideo kinds[] = {video(true), video(false), telecined(true), telecined(false), moving()};
  ClipVideo frame = kinds[GetParam() % 5];
  if (GetParam() >= 5) {
    // A cadence that breaks in the middle, and true interlace after it.
    frame = telecined(true);
    frame.moment = [](std::uint32_t n, bool bottom) {
      return n < 63 ? film_moment(n, bottom, true) : kStep * (2 * n + (bottom ? 1 : 0));
    };
  }
  const Fd clip = test::make_clip({.frame = frame, .container = "mpegts"});
  const SourceFacts source = analysed(clip);
  for (const Telecine telecine : {Telecine::kKeep, Telecine::kFilm}) {
    const auto cut = frames(clip, source, {1, 1}, telecine);
    EXPECT_EQ(cut, frames(clip, source, {60, 1}, telecine));
    const bool film = telecine == Telecine::kFilm && source.video->scan == Scan::kTelecined;
    EXPECT_EQ(cut.size(), film && GetParam() < 5 ? 120U : film ? cut.size() : 150U);
  }
}
INSTANTIATE_TEST_SUITE_P(Kinds, Cuts, ::testing::Range(0, 6));

// H.264 in frames of one field each: as many frames come out as there are pairs, each of its own two fields, to the sample.
struct FieldPackets {
  const char* name;
  const char* container;
  test::FieldPictures packets;
};
class FramesOfOneField : public ::testing::TestWithParam<FieldPackets> {
 protected:
  static ClipVideo in_fields(bool top_first, std::uint32_t second) {
    ClipVideo frame{.width = 192, .height = 128, .base = {1, 25}, .frames = 75, .gop = 12};
    frame.field_pictures = GetParam().packets;
    frame.coded_top_first = top_first;
    frame.moment = [=](std::uint32_t n, bool bottom) { return kStep * (2 * n + (bottom == top_first ? second : 0)); };
    return frame;
  }
};

TEST_P(FramesOfOneField, AreWovenInPairs) {
  for (const bool top_first : {true, false}) {
    const ClipVideo fields = in_fields(top_first, 0);
    ClipVideo whole_frames = fields;
    whole_frames.field_pictures.reset();
    whole_frames.coded_top_first.reset();
    whole_frames.encoder = "ffv1";
    whole_frames.b_frames = 0;
    const Fd clip = test::make_clip({.frame = fields, .container = GetParam().container, .shift = {7, 5}});
    const SourceFacts source = analysed(clip);
    EXPECT_EQ(source.video->scan, Scan::kProgressive) << source.video->scan_evidence;
    ASSERT_EQ(source.video->frames.size(), 75U);
    for (std::size_t i = 0; i < 75; ++i) {
      ASSERT_EQ(source.video->frames[i].pts * 25 * source.video->base.num, static_cast<std::int64_t>(i) * source.video->base.den)
          << i;
    }
    const Fd whole = test::make_clip({.frame = whole_frames, .container = "matroska"});
    EXPECT_EQ(frames(clip, source, {1, 1}, Telecine::kKeep), frames(whole, analysed(whole), {60, 1}, Telecine::kKeep));
  }
}

TEST_P(FramesOfOneField, AreDeinterlacedAlikeWhereverTheyAreCut) {
  for (const bool top_first : {true, false}) {
    const Fd clip = test::make_clip({.frame = in_fields(top_first, 1), .container = GetParam().container});
    const SourceFacts source = analysed(clip);
    EXPECT_EQ(source.video->scan, Scan::kInterlaced) << source.video->scan_evidence;
    EXPECT_EQ(source.video->top_first, top_first) << source.video->scan_evidence;
    const auto cut = frames(clip, source, {1, 1}, Telecine::kKeep);
    EXPECT_EQ(cut.size(), 75U);
    EXPECT_EQ(cut, frames(clip, source, {60, 1}, Telecine::kKeep));
  }
}
// Transport streams have a packet of their own for each field, or one for both, which libavformat takes apart: then every second one has
// no timestamp.
INSTANTIATE_TEST_SUITE_P(Containers, FramesOfOneField,
                         ::testing::Values(FieldPackets{"mpegts_each", "mpegts", test::FieldPictures::kPacketEach},
                                           FieldPackets{"mpegts_pairs", "mpegts", test::FieldPictures::kPacketPair},
                                           FieldPackets{"matroska", "matroska", test::FieldPictures::kPacketPair},
                                           FieldPackets{"mp4", "mp4", test::FieldPictures::kPacketPair}),
                         [](const auto& kind) { return std::string(kind.param.name); });

// A broadcast that goes from square pixels to wide ones, and to another size: same frame, right aspect, bars, wherever it is cut.
TEST(ShapesOfFrames, ThatChangeOnTheWayKeepTheirAspect) {
  ClipVideo first = moving();
  first.b_frames = 0;
  first.frames = 50;
  first.sample_aspect = {1, 1};
  ClipVideo wide = first;
  wide.sample_aspect = {4, 3};
  ClipVideo small = first;
  small.width = 96;
  for (const auto& [later, lines, columns] : {std::tuple{wide, 96, 192}, std::tuple{small, 128, 96}}) {
    const Fd clip = test::make_clip({.frame = first, .later = later, .container = "mpegts"});
    const SourceFacts source = analysed(clip);
    EXPECT_EQ(source.video->width, 192);
    ASSERT_EQ(source.video->frames.size(), 100U);
    EXPECT_EQ(frames(clip, source, {1, 1}, Telecine::kKeep), frames(clip, source, {60, 1}, Telecine::kKeep));
    const auto plan = make_plan(source, test::profile_with({test::rendition()}), "clip");
    ASSERT_TRUE(plan);
    const Fd input = test::journal_of_track(clip.get(), Media::kVideo);
    const Fd output = *temporary_file();
    test::ParentDouble parent;
    ASSERT_TRUE(transcode(*task_request(*plan, source, test::profile_with({test::rendition()}), 0).video, input.get(), 0,
                          {output.get()}, parent.line()));
    const auto seen = test::middle_columns(output.get());
    ASSERT_EQ(seen.size(), 100U);
    const auto lit = [](const std::vector<std::uint8_t>& column) {
      return std::ranges::count_if(column, [](int v) { return v > 28; });
    };
    EXPECT_NEAR(lit(seen[25]), 128, 10);
    EXPECT_NEAR(lit(seen[75]), lines, 10) << columns;
  }
}

// Browsers stamp bursts alike: after a gap, several frames that differ within a tenth of a millisecond each.
TEST(BurstsOfFrames, AreCodedAsWellAsTheRest) {
  ClipVideo frame{.width = 640, .height = 360, .base = {1, 10'000}, .gop = 10, .b_frames = 0};
  for (std::int64_t second = 0; second < 6; ++second) {
    for (std::int64_t i = 0; i < 4; ++i) frame.pts.push_back(second * 20'000 + i);
  }
  frame.moment = [](std::uint32_t n, bool) { return 53 * n; };
  const Fd clip = test::make_clip({.frame = frame});
  const SourceFacts source = analysed(clip);
  RenditionProfile small = test::rendition();
  small.rate = {.quality = 23, .maxrate = 1'500'000, .bufsize = 3'000'000};
  small.preset = "veryfast";
  const Profile profile = test::profile_with({small});
  const auto plan = make_plan(source, profile, "clip");
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->renditions.at(0).file.frames.size(), 24U);
  for (std::uint32_t t = 0; t < plan->tasks.size(); ++t) {
    const Fd input = test::journal_of_track(clip.get(), Media::kVideo);
    const Fd output = *temporary_file();
    test::ParentDouble parent;
    const auto done = transcode(*task_request(*plan, source, profile, t).video, input.get(), 0, {output.get()}, parent.line());
    ASSERT_TRUE(done) << done.error().text;
    EXPECT_GT(done->video.at(0).psnr_worst, 32);
  }
}

// What a telecined clip becomes is what the film would have become: the very frames, apart from what its coding lost.
TEST(FieldsOfClips, FilmIsWovenFromItsOwnFields) {
  ClipVideo frame = telecined(true);
  frame.encoder = "ffv1";
  frame.options = {};
  frame.b_frames = 0;
  ClipVideo film = frame;
  film.base = {1001, 24000};
  film.frames = 120;
  film.moment = [](std::uint32_t n, bool) { return kStep * n; };
  const Fd clip = test::make_clip({.frame = frame, .container = "matroska"});
  const Fd original = test::make_clip({.frame = film, .container = "matroska"});
  EXPECT_EQ(frames(clip, analysed(clip), {1, 1}, Telecine::kFilm),
            frames(original, analysed(original), {60, 1}, Telecine::kKeep));
}

}  // namespace
}  // namespace gopmill
