// A clip cut into segments against the same clip in one: planned, encoded and decoded as a farm does it, without the farm. The fine
// measurement, on natural films, is tests/bench/joins.

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <set>

#include "coordinator/plan/plan.h"
#include "media/av/decode/decoder.h"
#include "media/av/frame/frame.h"
#include "media/steps/work.h"
#include "tests/support/clips.h"
#include "tests/support/parent_double.h"

namespace gopmill {
namespace {

constexpr int kGop = 48;  // of the output: 2 s at 24 frames/s
constexpr std::int64_t kSegment = 4;
constexpr int kFrames = 3 * 96;

const Fd& clip() {
  static const Fd clip =
      test::make_clip({.frame = test::ClipVideo{.width = 192, .height = 112, .base = {1, 24}, .frames = kFrames, .gop = 12}});
  return clip;
}

RenditionProfile rendition_of(VideoCodec codec) {
  RenditionProfile rendition;
  rendition.name = "source";
  rendition.codec = codec;
  rendition.rate.quality = codec == VideoCodec::kH264 || codec == VideoCodec::kHevc ? 26 : 35;
  rendition.preset = codec == VideoCodec::kAv1 ? "10" : codec == VideoCodec::kVp9 ? "5" : "veryfast";
  rendition.codec_profile = rendition.level = "auto";
  return rendition;
}

struct Encoded {
  std::vector<JournalPacket> packets;  // of all segments, in order
  StreamParameters parameters;
  std::set<std::string> parameter_sets;
  std::uint64_t checked = 0;
  std::size_t segments = 0;
};

Encoded encode_source(const RenditionProfile& rendition, std::int64_t segment_s, Joins joins) {
  Profile profile;
  profile.gop = {2, 1};
  profile.segment = {segment_s, 1};
  profile.joins = joins;
  profile.audio.reset();
  profile.renditions = {rendition};
  test::ParentDouble parent;
  const SourceFacts source = *analyse(clip().get(), {}, parent.line());
  const Plan plan = *make_plan(source, profile, "clip");
  const Fd input = test::journal_of_track(clip().get(), Media::kVideo);
  Encoded encoded{.segments = plan.tasks.size()};
  for (std::uint32_t i = 0; i < plan.tasks.size(); ++i) {
    const Fd output = *temporary_file();
    const auto result = transcode(*task_request(plan, source, profile, i).video, input.get(), 0, {output.get()}, parent.line());
    EXPECT_TRUE(result) << (result ? "" : result.error().text);
    if (!result) return encoded;
    encoded.parameter_sets.insert(result->video[0].parameter_sets);
    encoded.checked += result->video[0].checked;
    JournalReader journal = *JournalReader::open(output.get(), 0);
    encoded.parameters = journal.parameters();
    while (auto packet = *journal.next()) encoded.packets.push_back(std::move(*packet));
  }
  return encoded;
}

std::vector<av::LumaSample> decoded(const StreamParameters& parameters, std::vector<JournalPacket> packets) {
  std::map<std::int64_t, av::LumaSample> shown;  // by time
  std::vector<std::int64_t> times;
  av::Decoder decoder = *av::Decoder::open(parameters, {});
  const auto on_frame = [&](AVFrame& frame) -> Result<> {
    shown.emplace(times[static_cast<std::size_t>(av::facts_of(frame).pts)], av::sample_luma(frame));
    return {};
  };
  for (JournalPacket& packet : packets) {
    packet.ordinal = static_cast<std::uint32_t>(times.size());
    times.push_back(packet.pts);
    EXPECT_TRUE(decoder.send(packet, on_frame));
  }
  EXPECT_TRUE(decoder.finish(on_frame));
  EXPECT_EQ(decoder.refused(), 0U);
  std::vector<av::LumaSample> frames;
  for (auto& [time, frame] : shown) frames.push_back(std::move(frame));
  return frames;
}

std::vector<av::LumaSample> clip_frames() {
  const Fd file = test::journal_of_track(clip().get(), Media::kVideo);
  JournalReader journal = *JournalReader::open(file.get(), 0);
  std::vector<JournalPacket> packets;
  while (auto packet = *journal.next()) packets.push_back(std::move(*packet));
  return decoded(journal.parameters(), std::move(packets));
}

std::vector<double> quality_of(const Encoded& encoded) {
  const auto source = clip_frames();
  const auto frames = decoded(encoded.parameters, encoded.packets);
  EXPECT_EQ(frames.size(), source.size());
  std::vector<double> psnr;
  for (std::size_t i = 0; i < std::min(frames.size(), source.size()); ++i) {
    psnr.push_back(-10 * std::log10(std::max(1e-9, *av::squared_error(source[i], frames[i]))));
  }
  return psnr;
}

std::vector<int> keys_of(const Encoded& encoded) {
  std::vector<std::int64_t> times, keys;
  for (const JournalPacket& packet : encoded.packets) times.push_back(packet.pts);
  std::sort(times.begin(), times.end());
  std::vector<int> numbers;
  for (const JournalPacket& packet : encoded.packets) {
    if (packet.key) numbers.push_back(static_cast<int>(std::lower_bound(times.begin(), times.end(), packet.pts) - times.begin()));
  }
  return numbers;
}

struct Case {
  const char* name;
  VideoCodec codec;
  Joins joins;
};

class Joined : public testing::TestWithParam<Case> {};

TEST_P(Joined, SegmentsAreAsOneEncode) {
  const RenditionProfile rendition = rendition_of(GetParam().codec);
  const Encoded whole = encode_source(rendition, 60, GetParam().joins);
  const Encoded cut = encode_source(rendition, kSegment, GetParam().joins);
  ASSERT_EQ(whole.segments, 1U);
  ASSERT_EQ(cut.segments, 3U);
  EXPECT_EQ(cut.checked, kFrames);
  EXPECT_EQ(cut.parameter_sets, whole.parameter_sets);
  EXPECT_EQ(cut.parameter_sets.size(), 1U);
  EXPECT_THAT(keys_of(cut), testing::ElementsAre(0, kGop, 2 * kGop, 3 * kGop, 4 * kGop, 5 * kGop));
  const auto before = quality_of(whole), after = quality_of(cut);
  for (const std::size_t join : {96U, 192U}) {
    EXPECT_NEAR(after[join], before[join], 1) << "the first frame after the join at " << join;
    EXPECT_NEAR(after[join - 1], before[join - 1], 1) << "the last frame before the join at " << join;
  }
}

std::string bytes_of(const Encoded& encoded) {
  std::string bytes;
  for (const JournalPacket& packet : encoded.packets) bytes += packet.bytes;
  return bytes;
}

TEST(JoinedBytes, OfX264WithMbtreeAreThoseOfOneEncode) {
  const RenditionProfile rendition = rendition_of(VideoCodec::kH264);
  const Encoded cut = encode_source(rendition, kSegment, Joins::kDefault), whole = encode_source(rendition, 60, Joins::kDefault);
  EXPECT_TRUE(bytes_of(cut) == bytes_of(whole));
}

TEST(JoinedBytes, OfVp9AreThoseOfOneEncodeInBothModes) {
  const RenditionProfile rendition = rendition_of(VideoCodec::kVp9);
  const Encoded cut = encode_source(rendition, kSegment, Joins::kDefault), whole = encode_source(rendition, 60, Joins::kDefault);
  EXPECT_TRUE(bytes_of(cut) == bytes_of(whole));
  EXPECT_TRUE(bytes_of(encode_source(rendition, kSegment, Joins::kExact)) == bytes_of(whole));
}

// The frames are numbered from each encoder's start, so the bytes differ where they say their number.
TEST(JoinedBytes, OfSvtAv1AreAsManyAsOfOneEncode) {
  const auto sizes_of = [](const Encoded& encoded) {
    std::vector<std::size_t> sizes;
    for (const JournalPacket& packet : encoded.packets) sizes.push_back(packet.bytes.size());
    return sizes;
  };
  const RenditionProfile rendition = rendition_of(VideoCodec::kAv1);
  const Encoded cut = encode_source(rendition, kSegment, Joins::kDefault), whole = encode_source(rendition, 60, Joins::kDefault);
  EXPECT_EQ(sizes_of(cut), sizes_of(whole));
  EXPECT_EQ(quality_of(cut), quality_of(whole));
}

INSTANTIATE_TEST_SUITE_P(
    Codecs, Joined,
    testing::Values(Case{"H264", VideoCodec::kH264, Joins::kDefault}, Case{"H264Exact", VideoCodec::kH264, Joins::kExact},
                    Case{"Hevc", VideoCodec::kHevc, Joins::kDefault}, Case{"HevcExact", VideoCodec::kHevc, Joins::kExact},
                    Case{"Av1", VideoCodec::kAv1, Joins::kDefault}, Case{"Av1Exact", VideoCodec::kAv1, Joins::kExact},
                    Case{"Vp9", VideoCodec::kVp9, Joins::kDefault}, Case{"Vp9Exact", VideoCodec::kVp9, Joins::kExact}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace gopmill
