// Sources of every colour through the whole of media work: analyse, plan, split, transcode, stitch, verify.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

extern "C" {
#include <libavutil/frame.h>
}

#include <algorithm>
#include <cmath>
#include <map>

#include "base/archive.h"
#include "base/hash.h"
#include "coordinator/plan/plan.h"
#include "media/av/decode/decoder.h"
#include "media/av/decode/demuxer.h"
#include "media/av/frame/frame.h"
#include "media/package/mp4_boxes.h"
#include "media/signal/tone_map.h"
#include "media/steps/work.h"
#include "tests/support/clips.h"
#include "tests/support/parent_double.h"
#include "tests/support/source_builder.h"

namespace gopmill {
namespace {

using test::ClipVideo;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Colour kBt709{.primaries = 1, .transfer = 1, .matrix = 1, .chroma_location = 1};
constexpr MasteringDisplay kDisplay{{34000, 16000}, {13250, 34500}, {7500, 3000}, {15635, 16450}, 10'000'000, 50};
constexpr ContentLight kLight{900, 300};
constexpr const char* kDisplayWords =
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=900,300";

std::map<std::string, std::string> tags(const std::string& primaries, const std::string& transfer, const std::string& matrix) {
  return {{"color_primaries", primaries}, {"color_trc", transfer}, {"colorspace", matrix}};
}

// 2.4 s of 128x96; flat grey but for its first frame and the one at each full second, which are white.
ClipVideo flat(const std::string& encoder, const std::string& format, std::map<std::string, std::string> options) {
  ClipVideo frame{.encoder = encoder, .width = 128, .height = 96, .pixel_format = format, .frames = 60, .gop = 10};
  frame.flashes = true;
  frame.options = std::move(options);
  return frame;
}
ClipVideo hdr10(const std::string& encoder = "libx265") {
  auto options = tags("bt2020", "smpte2084", "bt2020nc");
  options["preset"] = "ultrafast";
  if (encoder == "libx265")
    options["x265-params"] = std::string("log-level=error:pools=none:frame-threads=1:open-gop=0:") + kDisplayWords;
  return flat(encoder, "yuv420p10le", options);
}

RenditionProfile rendition(DynamicRange range, VideoCodec codec = VideoCodec::kH264) {
  RenditionProfile result = test::rendition("out");
  result.codec = codec;
  result.codec_profile = "auto";
  result.preset = codec == VideoCodec::kAv1 ? "12" : codec == VideoCodec::kVp9 ? "5" : "ultrafast";
  result.rate.quality = 18;
  result.dynamic_range = range;
  if (range == DynamicRange::kHdr) result.pixel_format = PixelFormat::kYuv420p10;
  return result;
}

SourceFacts facts_of(int clip) {
  test::ParentDouble parent;
  auto facts = analyse(clip, {}, parent.line());
  EXPECT_TRUE(facts) << (facts ? "" : facts.error().text);
  return facts ? *facts : SourceFacts{};
}

struct Made {
  Fd file;
  Plan plan;
  FileReport report;
};

// The whole job in one process, in segments of `segment` seconds.
Made made_from(int clip, const RenditionProfile& rendition, std::int64_t segment = 60) {
  Profile profile = test::profile_with({rendition});
  profile.gop = {1, 1};
  profile.segment = {segment, 1};
  profile.audio.reset();
  const SourceFacts source = facts_of(clip);
  auto plan = make_plan(source, profile, "clip");
  EXPECT_TRUE(plan) << (plan ? "" : plan.error().text);
  if (!plan) return {};
  std::vector<Fd> journals;
  for (std::uint32_t i = 0; i < plan->tasks.size(); ++i) {
    const PacketRun run = plan->tasks[i].run;
    const Fd input = test::journal_of_track(clip, Media::kVideo, [&](const JournalPacket& packet) {
      return packet.ordinal >= run.first && packet.ordinal < run.end;
    });
    journals.push_back(*temporary_file());
    test::ParentDouble parent;
    const auto result =
        transcode(*task_request(*plan, source, profile, i).video, input.get(), 0, {journals.back().get()}, parent.line());
    EXPECT_TRUE(result) << (result ? "" : result.error().text);
  }
  Made made{*temporary_file(), std::move(*plan), {}};
  const RenditionPlan& file = made.plan.renditions.front().file;
  test::ParentDouble parent(journals);
  const auto stitched = stitch(made.file.get(), {file, static_cast<std::uint32_t>(journals.size())}, parent.line());
  EXPECT_TRUE(stitched) << (stitched ? "" : stitched.error().text);
  test::ParentDouble watcher;
  auto report = verify(made.file.get(), {.plan = file, .planned = true, .decode = true}, watcher.line());
  EXPECT_TRUE(report) << (report ? "" : report.error().text);
  if (report) made.report = *report;
  return made;
}

std::vector<std::string> failed(const FileReport& report) {
  std::vector<std::string> names;
  for (const Check& check : report.checks) {
    if (!check.passed) names.push_back(check.name + ": " + check.found);
  }
  return names;
}

Mp4SampleEntry entry_of(int file) { return read_mp4_layout(file)->tracks.front().entries.front(); }

// The middle values of a frame's three planes, by place in the clip.
struct Middle {
  double y = 0, cb = 0, cr = 0;
};
std::vector<Middle> middles_of(int file) {
  auto demuxer = av::Demuxer::open(file);
  auto decoder = av::Decoder::open(demuxer->streams().front().parameters, {});
  std::vector<Middle> all;
  const auto see = [&](AVFrame& frame) -> Result<> {
    const auto at = [&](int plane, int divisor) -> double {
      const int x = frame.width / divisor / 2, y = frame.height / divisor * 3 / 4;
      const std::uint8_t* row = frame.data[plane] + static_cast<std::ptrdiff_t>(y) * frame.linesize[plane];
      const bool wide = frame.linesize[0] >= 2 * frame.width && frame.format != 0;
      return wide ? reinterpret_cast<const std::uint16_t*>(row)[x] : row[x];
    };
    all.push_back({at(0, 1), at(1, 2), at(2, 2)});
    return {};
  };
  while (auto item = *demuxer->next()) EXPECT_TRUE(decoder->send(item->packet, see));
  EXPECT_TRUE(decoder->finish(see));
  return all;
}

TEST(ColourOfSources, AreRead) {
  const VideoTrack track = *facts_of(test::make_clip({.frame = hdr10()}).get()).video;
  EXPECT_EQ(track.colour.primaries, kPrimariesBt2020);
  EXPECT_EQ(track.colour.transfer, kTransferPq);
  EXPECT_EQ(track.colour.matrix, kMatrixBt2020);
  EXPECT_EQ(track.mastering, kDisplay);
  EXPECT_EQ(track.light, kLight);
  // In a transport stream nothing but the frames says so.
  const VideoTrack in_stream = *facts_of(test::make_clip({.frame = hdr10(), .container = "mpegts"}).get()).video;
  EXPECT_EQ(in_stream.colour.transfer, kTransferPq);
  EXPECT_EQ(in_stream.mastering, kDisplay);
  EXPECT_EQ(in_stream.light, kLight);
}

TEST(HdrToSdr, IsToneMappedAndTaggedBt709) {
  const Fd clip = test::make_clip({.frame = hdr10()});
  const Made made = made_from(clip.get(), rendition(DynamicRange::kSdr));
  EXPECT_THAT(failed(made.report), IsEmpty());
  EXPECT_EQ(made.plan.renditions.front().recolour->peak, 900U);
  const Mp4SampleEntry entry = entry_of(made.file.get());
  EXPECT_EQ(entry.colour, (Colour{.primaries = 1, .transfer = 1, .matrix = 1}));
  EXPECT_FALSE(entry.mastering);
  EXPECT_FALSE(entry.light);
  // The clip's grey has code 240 and its white 940, both of 10 bits.
  const ColourTable table(*made.plan.renditions.front().recolour);
  const std::vector<Middle> seen = middles_of(made.file.get());
  ASSERT_EQ(seen.size(), 60U);
  EXPECT_NEAR(seen[0].y, table.look_up(940, 512, 512)[0] / 256.0, 2);
  EXPECT_NEAR(seen[10].y, table.look_up(240, 512, 512)[0] / 256.0, 2);
  EXPECT_GT(seen[0].y, 230);
  EXPECT_LT(seen[10].y, 60);
  EXPECT_NEAR(seen[10].cb, 128, 1);
  EXPECT_NEAR(seen[10].cr, 128, 1);
}

TEST(HdrToSdr, HlgIsToo) {
  auto frame = flat("libx264", "yuv420p10le", tags("bt2020", "arib-std-b67", "bt2020nc"));
  const Made made = made_from(test::make_clip({.frame = frame}).get(), rendition(DynamicRange::kSdr));
  EXPECT_THAT(failed(made.report), IsEmpty());
  EXPECT_EQ(made.plan.renditions.front().encoder.colour, kBt709);
  const ColourTable table(*made.plan.renditions.front().recolour);
  EXPECT_NEAR(middles_of(made.file.get())[10].y, table.look_up(240, 512, 512)[0] / 256.0, 2);
}

TEST(HdrToSdr, SegmentsShowTheSameFramesAsOneRun) {
  const Fd clip = test::make_clip({.frame = hdr10()});
  // A quicker preset would cost less than decoding the clip twice, and be planned as one segment.
  RenditionProfile worth_cutting = rendition(DynamicRange::kSdr);
  worth_cutting.preset = "fast";
  const std::vector<Middle> whole = middles_of(made_from(clip.get(), worth_cutting).file.get());
  const Made cut = made_from(clip.get(), worth_cutting, 1);
  ASSERT_GT(cut.plan.tasks.size(), 1U);
  EXPECT_THAT(failed(cut.report), IsEmpty());
  const std::vector<Middle> parts = middles_of(cut.file.get());
  ASSERT_EQ(parts.size(), whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(parts[i].y, whole[i].y, 2) << i;
  EXPECT_EQ(*file_sha256(cut.file.get()), *file_sha256(made_from(clip.get(), worth_cutting, 1).file.get()));
}

class HdrKept : public ::testing::TestWithParam<VideoCodec> {};

TEST_P(HdrKept, WithItsTagsAndItsMetadata) {
  const Fd clip = test::make_clip({.frame = hdr10()});
  const Made made = made_from(clip.get(), rendition(DynamicRange::kHdr, GetParam()), 1);
  EXPECT_THAT(failed(made.report), IsEmpty());
  const Mp4SampleEntry entry = entry_of(made.file.get());
  EXPECT_EQ(entry.mastering, kDisplay);
  EXPECT_EQ(entry.light, kLight);
  EXPECT_EQ(entry.colour, (Colour{.primaries = 9, .transfer = 16, .matrix = 9}));
  EXPECT_NEAR(middles_of(made.file.get())[10].y, 240, 6);
}
INSTANTIATE_TEST_SUITE_P(Codecs, HdrKept,
                         ::testing::Values(VideoCodec::kH264, VideoCodec::kHevc, VideoCodec::kAv1, VideoCodec::kVp9));

// A player that only looks into the stream must learn it there.
TEST(HdrKeptInTheStream, OfHevc) {
  const Made made = made_from(test::make_clip({.frame = hdr10()}).get(), rendition(DynamicRange::kHdr, VideoCodec::kHevc), 1);
  EXPECT_GT(made.plan.tasks.size(), 1U);
  auto demuxer = av::Demuxer::open(made.file.get());
  auto decoder = av::Decoder::open(demuxer->streams().front().parameters, {});
  std::optional<av::FrameFacts> first;
  const auto see = [&](AVFrame& frame) -> Result<> {
    if (!first) first = av::facts_of(frame);
    return {};
  };
  while (auto item = *demuxer->next()) ASSERT_TRUE(decoder->send(item->packet, see));
  ASSERT_TRUE(decoder->finish(see));
  EXPECT_EQ(first->hdr.mastering, kDisplay);
  EXPECT_EQ(first->hdr.light, kLight);
}

// libavcodec 5.1 does not read these messages of H.264, so their bytes are looked for: primaries and white of ST 2086.
TEST(HdrKeptInTheStream, OfH264) {
  const Made made = made_from(test::make_clip({.frame = hdr10()}).get(), rendition(DynamicRange::kHdr));
  auto demuxer = av::Demuxer::open(made.file.get());
  const std::string message("\x33\xC2\x86\xC4\x1D\x4C\x0B\xB8\x84\xD0\x3E\x80\x3D\x13\x40\x42", 16);
  EXPECT_THAT((*demuxer->next())->packet.bytes, HasSubstr(message));
}

TEST(SdrColour, StaysInAHdrRendition) {
  const Fd clip = test::make_clip({.frame = flat("libx264", "yuv420p", tags("smpte170m", "smpte170m", "smpte170m"))});
  const Made made = made_from(clip.get(), rendition(DynamicRange::kHdr, VideoCodec::kHevc));
  EXPECT_THAT(failed(made.report), IsEmpty());
  EXPECT_EQ(entry_of(made.file.get()).colour, (Colour{.primaries = 6, .transfer = 6, .matrix = 6}));
  EXPECT_THAT(made.plan.notes, Contains(HasSubstr("stays SDR")));
  EXPECT_NEAR(middles_of(made.file.get())[10].y, 240, 6);
}

TEST(SdrColour, UntaggedStaysUntagged) {
  const Made made = made_from(test::make_clip({.frame = flat("libx264", "yuv420p", {})}).get(), rendition(DynamicRange::kSdr));
  EXPECT_THAT(failed(made.report), IsEmpty());
  EXPECT_EQ(entry_of(made.file.get()).colour.value_or(Colour{}), Colour{});
  EXPECT_NEAR(middles_of(made.file.get())[10].y, 60, 2);
}

TEST(SdrColour, FullRangeBecomesLimited) {
  const Fd clip = test::make_clip({.frame = flat("libx264", "yuvj420p", tags("bt709", "bt709", "bt709"))});
  const Made made = made_from(clip.get(), rendition(DynamicRange::kSdr));
  EXPECT_THAT(failed(made.report), IsEmpty());
  EXPECT_NEAR(middles_of(made.file.get())[10].y, 16 + 60 * 219.0 / 255, 2);
}

// Chroma of these clips: Cb 4 below grey and Cr 2 above it.
TEST(SdrColour, YcgcoBecomesBt709) {
  ClipVideo frame{.encoder = "libx264", .width = 128, .height = 96, .pixel_format = "yuv444p", .frames = 30, .gop = 10};
  frame.options = {{"colorspace", "ycgco"}, {"crf", "4"}};
  const Made made = made_from(test::make_clip({.frame = frame}).get(), rendition(DynamicRange::kSdr));
  EXPECT_THAT(failed(made.report), IsEmpty());
  EXPECT_EQ(made.plan.renditions.front().encoder.colour.matrix, kMatrixBt709);
  // R = Y + 6, G = Y - 4, B = Y + 2 (of 224), of which BT.709 makes Cb +1.9 and Cr +4.7.
  const Middle seen = middles_of(made.file.get())[5];
  EXPECT_NEAR(seen.cb, 129.9, 1.2);
  EXPECT_NEAR(seen.cr, 132.7, 1.2);
}

TEST(SdrColour, RedGreenAndBlueBecomeBt709) {
  // Its planes are green, blue and red: 240, 512 and 512 of 10 bits.
  auto frame = flat("ffv1", "gbrp10le", {});
  const Made made = made_from(test::make_clip({.frame = frame, .container = "matroska"}).get(), rendition(DynamicRange::kSdr));
  EXPECT_THAT(failed(made.report), IsEmpty());
  EXPECT_EQ(made.plan.renditions.front().encoder.colour.matrix, kMatrixBt709);
  const double y = (0.2126 * 512 + 0.7152 * 240 + 0.0722 * 512) / 1023;
  const Middle seen = middles_of(made.file.get())[10];
  EXPECT_NEAR(seen.y, 16 + 219 * y, 2);
  EXPECT_NEAR(seen.cb, 128 + 224 * (512 / 1023.0 - y) / 1.8556, 2);
  EXPECT_NEAR(seen.cr, 128 + 224 * (512 / 1023.0 - y) / 1.5748, 2);
}

TEST(SdrColour, GreyFramesComeOutGrey) {
  auto frame = flat("libx264", "gray", {});
  const Made made = made_from(test::make_clip({.frame = frame, .container = "matroska"}).get(), rendition(DynamicRange::kSdr));
  EXPECT_THAT(failed(made.report), IsEmpty());
  const Middle seen = middles_of(made.file.get())[10];
  EXPECT_NEAR(seen.y, 60, 2);
  EXPECT_NEAR(seen.cb, 128, 1);
  EXPECT_NEAR(seen.cr, 128, 1);
}

TEST(SdrColour, TransparencyIsSaid) {
  auto frame = flat("ffv1", "yuva420p", {});
  const Fd clip = test::make_clip({.frame = frame, .container = "matroska"});
  EXPECT_TRUE(facts_of(clip.get()).video->has_alpha);
  EXPECT_THAT(facts_of(clip.get()).notes, Contains(HasSubstr("transparency is not carried")));
}

TEST(VerifyColour, FindsTagsThatAreNotAsPlanned) {
  const Fd clip = test::make_clip({.frame = hdr10()});
  const Made made = made_from(clip.get(), rendition(DynamicRange::kHdr, VideoCodec::kHevc));
  const auto verdict = [&](const std::function<void(RenditionPlan&)>& change) {
    RenditionPlan plan = made.plan.renditions.front().file;
    change(plan);
    test::ParentDouble parent;
    const auto report = verify(made.file.get(), {.plan = plan, .planned = true}, parent.line());
    return report ? failed(*report) : std::vector<std::string>{report.error().text};
  };
  EXPECT_THAT(verdict([](RenditionPlan&) {}), IsEmpty());
  EXPECT_THAT(verdict([](RenditionPlan& p) { p.colour.transfer = 1; }), ::testing::ElementsAre(HasSubstr("colour")));
  EXPECT_THAT(verdict([](RenditionPlan& p) { p.mastering->luminance_max += 1; }), ::testing::ElementsAre(HasSubstr("colour")));
  EXPECT_THAT(verdict([](RenditionPlan& p) { p.light.reset(); }), ::testing::ElementsAre(HasSubstr("colour")));
}

}  // namespace
}  // namespace gopmill
