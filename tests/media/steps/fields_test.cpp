// Interlaced and telecined clips, from their packets to the pictures that encoders are given.
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
#include "media/steps/scan.h"
#include "media/steps/work.h"
#include "tests/support/clips.h"
#include "tests/support/lossless_job.h"
#include "tests/support/parent_double.h"
#include "tests/support/seen.h"
#include "tests/support/source_builder.h"

namespace gopmill {
namespace {

using test::analysed;
using test::ClipPicture;
using ::testing::HasSubstr;

constexpr std::uint32_t kStep = 12;  // of the gradient, from moment to moment: enough to comb

// Every field its own moment.
ClipPicture video(bool top_first) {
  ClipPicture picture{
      .encoder = "mpeg2video", .width = 192, .height = 128, .base = {1, 25}, .frames = 150, .gop = 12, .b_frames = 2};
  picture.open_gop = true;
  picture.options = {{"b", "6000000"}};
  picture.moment = [top_first](std::uint32_t n, bool bottom) { return kStep * (2 * n + (bottom == top_first ? 1 : 0)); };
  return picture;
}

// 2:3 pulldown: of each five pictures, ten fields, film pictures 0 1 2 3 have two, three, two and three.
std::uint32_t film_moment(std::uint32_t picture, bool bottom, bool top_first) {
  constexpr std::uint32_t kFilmOfField[10] = {0, 0, 1, 1, 1, 2, 2, 3, 3, 3};
  const std::uint32_t field = 2 * picture + (bottom == top_first ? 1 : 0);
  return kStep * (field / 10 * 4 + kFilmOfField[field % 10]);
}
ClipPicture telecined(bool top_first) {
  ClipPicture picture = video(top_first);
  picture.base = {1001, 30000};
  picture.moment = [top_first](std::uint32_t n, bool bottom) { return film_moment(n, bottom, top_first); };
  return picture;
}
ClipPicture moving() {
  ClipPicture picture = video(true);
  picture.moment = [](std::uint32_t n, bool) { return kStep * n; };
  return picture;
}

VideoTrack track_of(const ClipPicture& picture, const std::string& container = "mpegts") {
  return *analysed(test::make_clip({.picture = picture, .container = container})).video;
}

// ---- What the analysis says ----

TEST(FieldsOfClips, OneAnswerForTheFileWhateverTheFlagsSay) {
  for (const bool top_first : {true, false}) {
    for (const std::optional<bool> flagged : {std::optional<bool>(), std::optional<bool>(true), std::optional<bool>(false)}) {
      ClipPicture picture = video(top_first);
      picture.coded_top_first = flagged;
      const VideoTrack track = track_of(picture);
      EXPECT_EQ(track.scan, Scan::kInterlaced) << track.scan_evidence;
      EXPECT_EQ(track.top_first, top_first) << track.scan_evidence;
      EXPECT_TRUE(track.interlaced);
    }
  }
  ClipPicture segmented = moving();
  segmented.coded_top_first = true;
  const VideoTrack track = track_of(segmented);
  EXPECT_EQ(track.scan, Scan::kProgressive) << track.scan_evidence;
  EXPECT_FALSE(track.interlaced);
  EXPECT_THAT(track.scan_evidence, HasSubstr("though flagged interlaced"));
}

TEST(FieldsOfClips, H264InFieldsOfEveryPicture) {
  ClipPicture picture = video(true);
  picture.encoder = "libx264";
  picture.options = {{"x264-params", "tff=1:keyint=12:scenecut=0"}, {"preset", "veryfast"}, {"crf", "16"}};
  picture.coded_top_first = true;
  const VideoTrack track = track_of(picture, "mp4");
  EXPECT_EQ(track.scan, Scan::kInterlaced) << track.scan_evidence;
  EXPECT_TRUE(track.top_first);
}

TEST(FieldsOfClips, TelecineIsFoundWithEveryFilmPicture) {
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

std::vector<std::string> pictures(const Fd& clip, const SourceFacts& source, Rational segment, Telecine telecine) {
  std::vector<std::string> hashes;
  for (const Fd& journal : test::lossless_job(clip, source, segment, telecine)) {
    const auto seen = test::picture_hashes(journal.get());
    hashes.insert(hashes.end(), seen.begin(), seen.end());
  }
  return hashes;
}

// The luma of the twentieth picture, combed, after a filter that began at picture `first`; `combed_before`: another one on the way to it.
std::optional<std::string> twentieth(std::uint32_t first, std::uint32_t combed_before) {
  static const Fd packets = test::journal_of_track(test::make_clip({.picture = video(true), .container = "mpegts"}).get(), 1);
  av::PictureFilter::Settings settings;
  settings.shape = {192, 128};
  settings.deinterlace = true;
  settings.targets = {{192, 128}};
  av::PictureFilter filter(settings);
  JournalReader journal = *JournalReader::open(packets.get(), 0);
  av::Decoder decoder = *av::Decoder::open(journal.parameters(), {.threads = 1, .cpu_independent = true});
  std::uint32_t at = 0;
  std::optional<std::string> found;
  const auto on_picture = [&](std::size_t, std::int64_t index, AVFrame& picture) -> Result<> {
    EXPECT_GE(index, first);
    if (index != 20) return {};
    found.emplace();
    for (int y = 0; y < picture.height; ++y)
      found->append(reinterpret_cast<const char*>(picture.data[0] + static_cast<std::ptrdiff_t>(y) * picture.linesize[0]), 192);
    return {};
  };
  const auto on_decoded = [&](AVFrame& picture) -> Result<> {
    const std::uint32_t index = at++;
    if (index < first) return {};
    av::set_fields(picture, index == 20 || index == combed_before, true);
    return filter.push(picture, index, on_picture);
  };
  while (const auto packet = *journal.next()) EXPECT_TRUE(decoder.send(*packet, on_decoded));
  return found;
}

TEST(FieldsOfClips, ACombedPictureIsTheSameWhereverTheFilterBegan) {
  const auto expected = twentieth(0, 5);
  ASSERT_TRUE(expected);
  for (const auto& [first, combed] : {std::pair(0U, 1000U), std::pair(10U, 15U), std::pair(10U, 10U), std::pair(19U, 1000U)}) {
    const auto found = twentieth(first, combed);
    ASSERT_TRUE(found);
    EXPECT_TRUE(*found == *expected) << "begun at " << first << ", combed " << combed;
  }
}

class Cuts : public ::testing::TestWithParam<int> {};

TEST_P(Cuts, ChangeNoPictureThatAnEncoderIsGiven) {
  const ClipPicture kinds[] = {video(true), video(false), telecined(true), telecined(false), moving()};
  ClipPicture picture = kinds[GetParam() % 5];
  if (GetParam() >= 5) {
    // A cadence that breaks in the middle, and true interlace after it.
    picture = telecined(true);
    picture.moment = [](std::uint32_t n, bool bottom) {
      return n < 63 ? film_moment(n, bottom, true) : kStep * (2 * n + (bottom ? 1 : 0));
    };
  }
  const Fd clip = test::make_clip({.picture = picture, .container = "mpegts"});
  const SourceFacts source = analysed(clip);
  for (const Telecine telecine : {Telecine::kKeep, Telecine::kFilm}) {
    const auto cut = pictures(clip, source, {1, 1}, telecine);
    EXPECT_EQ(cut, pictures(clip, source, {60, 1}, telecine));
    const bool film = telecine == Telecine::kFilm && source.video->scan == Scan::kTelecined;
    EXPECT_EQ(cut.size(), film && GetParam() < 5 ? 120U : film ? cut.size() : 150U);
  }
}
INSTANTIATE_TEST_SUITE_P(Kinds, Cuts, ::testing::Range(0, 6));

// H.264 in pictures of one field each: as many pictures come out as there are pairs, each of its own two fields, to the sample.
struct FieldPackets {
  const char* name;
  const char* container;
  test::FieldPictures packets;
};
class PicturesOfOneField : public ::testing::TestWithParam<FieldPackets> {
 protected:
  static ClipPicture in_fields(bool top_first, std::uint32_t second) {
    ClipPicture picture{.width = 192, .height = 128, .base = {1, 25}, .frames = 75, .gop = 12};
    picture.field_pictures = GetParam().packets;
    picture.coded_top_first = top_first;
    picture.moment = [=](std::uint32_t n, bool bottom) { return kStep * (2 * n + (bottom == top_first ? second : 0)); };
    return picture;
  }
};

TEST_P(PicturesOfOneField, AreWovenInPairs) {
  for (const bool top_first : {true, false}) {
    const ClipPicture fields = in_fields(top_first, 0);
    ClipPicture frames = fields;
    frames.field_pictures.reset();
    frames.coded_top_first.reset();
    frames.encoder = "ffv1";
    frames.b_frames = 0;
    const Fd clip = test::make_clip({.picture = fields, .container = GetParam().container, .shift = {7, 5}});
    const SourceFacts source = analysed(clip);
    EXPECT_EQ(source.video->scan, Scan::kProgressive) << source.video->scan_evidence;
    ASSERT_EQ(source.video->frames.size(), 75U);
    for (std::size_t i = 0; i < 75; ++i) {
      ASSERT_EQ(source.video->frames[i].pts * 25 * source.video->base.num, static_cast<std::int64_t>(i) * source.video->base.den)
          << i;
    }
    const Fd whole = test::make_clip({.picture = frames, .container = "matroska"});
    EXPECT_EQ(pictures(clip, source, {1, 1}, Telecine::kKeep), pictures(whole, analysed(whole), {60, 1}, Telecine::kKeep));
  }
}

TEST_P(PicturesOfOneField, AreDeinterlacedAlikeWhereverTheyAreCut) {
  for (const bool top_first : {true, false}) {
    const Fd clip = test::make_clip({.picture = in_fields(top_first, 1), .container = GetParam().container});
    const SourceFacts source = analysed(clip);
    EXPECT_EQ(source.video->scan, Scan::kInterlaced) << source.video->scan_evidence;
    EXPECT_EQ(source.video->top_first, top_first) << source.video->scan_evidence;
    const auto cut = pictures(clip, source, {1, 1}, Telecine::kKeep);
    EXPECT_EQ(cut.size(), 75U);
    EXPECT_EQ(cut, pictures(clip, source, {60, 1}, Telecine::kKeep));
  }
}
// Transport streams have a packet of their own for each field, or one for both, which libavformat takes apart: then every second one has
// no timestamp.
INSTANTIATE_TEST_SUITE_P(Containers, PicturesOfOneField,
                         ::testing::Values(FieldPackets{"mpegts_each", "mpegts", test::FieldPictures::kPacketEach},
                                           FieldPackets{"mpegts_pairs", "mpegts", test::FieldPictures::kPacketPair},
                                           FieldPackets{"matroska", "matroska", test::FieldPictures::kPacketPair},
                                           FieldPackets{"mp4", "mp4", test::FieldPictures::kPacketPair}),
                         [](const auto& kind) { return std::string(kind.param.name); });

// A broadcast that goes from square pixels to wide ones, and to another size: same frame, right aspect, bars, wherever it is cut.
TEST(ShapesOfPictures, ThatChangeOnTheWayKeepTheirAspect) {
  ClipPicture first = moving();
  first.b_frames = 0;
  first.frames = 50;
  first.sample_aspect = {1, 1};
  ClipPicture wide = first;
  wide.sample_aspect = {4, 3};
  ClipPicture small = first;
  small.width = 96;
  for (const auto& [later, lines, columns] : {std::tuple{wide, 96, 192}, std::tuple{small, 128, 96}}) {
    const Fd clip = test::make_clip({.picture = first, .later = later, .container = "mpegts"});
    const SourceFacts source = analysed(clip);
    EXPECT_EQ(source.video->width, 192);
    ASSERT_EQ(source.video->frames.size(), 100U);
    EXPECT_EQ(pictures(clip, source, {1, 1}, Telecine::kKeep), pictures(clip, source, {60, 1}, Telecine::kKeep));
    const auto plan = make_plan(source, test::profile_with({test::rendition()}), "clip");
    ASSERT_TRUE(plan);
    const Fd input = test::journal_of_track(clip.get(), 1);
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

// Browsers stamp bursts alike: after a gap, several pictures that differ within a tenth of a millisecond each.
TEST(BurstsOfPictures, AreCodedAsWellAsTheRest) {
  ClipPicture picture{.width = 640, .height = 360, .base = {1, 10'000}, .gop = 10, .b_frames = 0};
  for (std::int64_t second = 0; second < 6; ++second) {
    for (std::int64_t i = 0; i < 4; ++i) picture.pts.push_back(second * 20'000 + i);
  }
  picture.moment = [](std::uint32_t n, bool) { return 53 * n; };
  const Fd clip = test::make_clip({.picture = picture});
  const SourceFacts source = analysed(clip);
  RenditionProfile small = test::rendition();
  small.rate = {.quality = 23, .maxrate = 1'500'000, .bufsize = 3'000'000};
  small.preset = "veryfast";
  const Profile profile = test::profile_with({small});
  const auto plan = make_plan(source, profile, "clip");
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->renditions.at(0).file.frames.size(), 24U);
  for (std::uint32_t t = 0; t < plan->tasks.size(); ++t) {
    const Fd input = test::journal_of_track(clip.get(), 1);
    const Fd output = *temporary_file();
    test::ParentDouble parent;
    const auto done = transcode(*task_request(*plan, source, profile, t).video, input.get(), 0, {output.get()}, parent.line());
    ASSERT_TRUE(done) << done.error().text;
    EXPECT_GT(done->video.at(0).psnr_worst, 32);
  }
}

// What a telecined clip becomes is what the film would have become: the very pictures, apart from what its coding lost.
TEST(FieldsOfClips, FilmIsWovenFromItsOwnFields) {
  ClipPicture picture = telecined(true);
  picture.encoder = "ffv1";
  picture.options = {};
  picture.b_frames = 0;
  ClipPicture film = picture;
  film.base = {1001, 24000};
  film.frames = 120;
  film.moment = [](std::uint32_t n, bool) { return kStep * n; };
  const Fd clip = test::make_clip({.picture = picture, .container = "matroska"});
  const Fd original = test::make_clip({.picture = film, .container = "matroska"});
  EXPECT_EQ(pictures(clip, analysed(clip), {1, 1}, Telecine::kFilm),
            pictures(original, analysed(original), {60, 1}, Telecine::kKeep));
}

}  // namespace
}  // namespace gopmill
