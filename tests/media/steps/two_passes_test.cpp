// VP9, each GOP in two passes by encoders of its own: what is coded of a GOP depends on its frames alone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "media/av/encode/encoder.h"
#include "media/steps/work.h"
#include "tests/support/clips.h"
#include "tests/support/parent_double.h"

namespace gopmill {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

struct Shape {
  int width = 192, height = 112;
  PixelFormat format = PixelFormat::kYuv420p;
};

constexpr int kFrames = 60;

const Fd& clip() {
  static const Fd packets = test::journal_of_track(
      test::make_clip({.frame = test::ClipVideo{.width = 192, .height = 112, .frames = kFrames, .gop = 12, .b_frames = 0}}).get(),
      Media::kVideo);
  return packets;
}

// Frames [first, first + the sum of `gops`) of the clip, with a key frame at the beginning of each GOP, shown at `times` or one a tick.
RenditionTask rendition(std::uint32_t first, const std::vector<int>& gops, Shape shape = {},
                        const std::vector<std::int64_t>& times = {}) {
  RenditionTask task;
  task.encoder.encoder = Encoder::kLibvpxVp9;
  task.encoder.width = shape.width;
  task.encoder.height = shape.height;
  task.encoder.pixel_format = shape.format;
  task.encoder.rate.quality = 35;
  task.encoder.preset = "5";
  task.encoder.codec_profile = task.encoder.level = "auto";
  task.encoder.base = times.empty() ? Rational{1, 25} : Rational{1, 90000};
  for (const int gop : gops) {
    for (int i = 0; i < gop; ++i) {
      const auto at = static_cast<std::uint32_t>(task.frames.size());
      task.frames.push_back({.source = first + at, .pts = times.empty() ? first + at : times[first + at], .key = i == 0});
    }
  }
  task.body = static_cast<std::uint32_t>(task.frames.size());
  task.continues = first > 0;
  return task;
}

struct Encoded {
  std::vector<std::vector<std::string>> packets;  // by rendition
  std::vector<std::vector<bool>> keys;
  TaskResult result;
};

Encoded encode(std::vector<RenditionTask> renditions) {
  VideoTask task;
  task.shape = {192, 112};
  for (std::uint32_t i = 0; i < kFrames; ++i) task.sources.push_back(i);
  task.renditions = std::move(renditions);
  std::vector<Fd> files;
  std::vector<int> outputs;
  for (std::size_t i = 0; i < task.renditions.size(); ++i) outputs.push_back(files.emplace_back(*temporary_file()).get());
  test::ParentDouble parent;
  const auto result = transcode(task, clip().get(), 0, outputs, parent.line());
  EXPECT_TRUE(result) << (result ? "" : result.error().text);
  Encoded encoded;
  if (!result) return encoded;
  encoded.result = *result;
  for (const Fd& file : files) {
    auto& packets = encoded.packets.emplace_back();
    auto& keys = encoded.keys.emplace_back();
    JournalReader journal = *JournalReader::open(file.get(), 0);
    while (auto packet = *journal.next()) {
      packets.push_back(std::move(packet->bytes));
      keys.push_back(packet->key);
    }
  }
  return encoded;
}

std::vector<std::string> encode_one(const RenditionTask& task) {
  Encoded encoded = encode({task});
  return encoded.packets.empty() ? std::vector<std::string>{} : std::move(encoded.packets.front());
}

template <class T>
std::vector<T> part(const std::vector<T>& all, std::size_t first, std::size_t count) {
  return {all.begin() + static_cast<std::ptrdiff_t>(first), all.begin() + static_cast<std::ptrdiff_t>(first + count)};
}

// Frames in a packet: those beyond one are hidden (VP9 bitstream specification, annex B: the index at a superframe's end).
int frames_in(const std::string& packet) {
  const auto marker = static_cast<std::uint8_t>(packet.back());
  if ((marker & 0xe0U) != 0xc0U) return 1;
  const std::size_t index = 2 + ((marker & 7U) + 1) * (((marker >> 3U) & 3U) + 1);
  const bool indexed = packet.size() > index && static_cast<std::uint8_t>(packet[packet.size() - index]) == marker;
  return indexed ? static_cast<int>(marker & 7U) + 1 : 1;
}

TEST(TwoPasses, AGopIsTheSameBytesWhereverTheClipIsCut) {
  const auto whole = encode_one(rendition(0, {20, 20, 20}));
  ASSERT_THAT(whole, SizeIs(60));
  EXPECT_EQ(encode_one(rendition(0, {20})), part(whole, 0, 20));
  EXPECT_EQ(encode_one(rendition(20, {20})), part(whole, 20, 20));
  EXPECT_EQ(encode_one(rendition(20, {20, 20})), part(whole, 20, 40));
  EXPECT_EQ(encode_one(rendition(40, {20})), part(whole, 40, 20));
}

TEST(TwoPasses, GopsOfAnyLengthBeginWithTheirOnlyKey) {
  const std::vector<int> gops{1, 2, 3, 25, 1, 26, 1, 1};
  const Encoded encoded = encode({rendition(0, gops)});
  ASSERT_THAT(encoded.keys, ElementsAre(SizeIs(60)));
  std::vector<bool> expected;
  for (const int gop : gops) {
    for (int i = 0; i < gop; ++i) expected.push_back(i == 0);
  }
  EXPECT_EQ(encoded.keys.front(), expected);
  EXPECT_EQ(encoded.result.video[0].checked, 60U);
}

// One pass has none: libvpx looks ahead for them only with statistics.
TEST(TwoPasses, HiddenFramesAreUsed) {
  std::vector<int> frames;
  for (const std::string& packet : encode_one(rendition(0, {30, 30}))) frames.push_back(frames_in(packet));
  ASSERT_THAT(frames, SizeIs(60));
  EXPECT_GE(std::ranges::count_if(part(frames, 0, 30), [](int count) { return count > 1; }), 1);
  EXPECT_GE(std::ranges::count_if(part(frames, 30, 30), [](int count) { return count > 1; }), 1);
}

TEST(TwoPasses, TimesMakeNoDifference) {
  std::vector<std::int64_t> times;
  for (int i = 0; i < kFrames; ++i) times.push_back(i * 3000 + (i % 7) * 400 + (i > 30 ? 90000 : 0));
  EXPECT_EQ(encode_one(rendition(0, {30, 30}, {}, times)), encode_one(rendition(0, {30, 30})));
}

TEST(TwoPasses, RenditionsOfOneTaskAreAsEncodedAlone) {
  RenditionTask h264 = rendition(0, {30, 30});
  h264.encoder.encoder = Encoder::kX264;
  h264.encoder.preset = "veryfast";
  const RenditionTask full = rendition(0, {30, 30}), half = rendition(0, {30, 30}, {96, 56});
  const Encoded together = encode({half, h264, full});
  ASSERT_THAT(together.packets, ElementsAre(SizeIs(60), SizeIs(60), SizeIs(60)));
  EXPECT_EQ(together.packets[0], encode_one(half));
  EXPECT_EQ(together.packets[1], encode_one(h264));
  EXPECT_EQ(together.packets[2], encode_one(full));
}

TEST(TwoPasses, TenBitsAndOddAndTinyFramesAreCoded) {
  for (const Shape shape : {Shape{192, 112, PixelFormat::kYuv420p10}, Shape{2, 2}, Shape{16, 2}, Shape{2, 16}, Shape{190, 106}}) {
    SCOPED_TRACE(std::to_string(shape.width) + "x" + std::to_string(shape.height));
    const Encoded encoded = encode({rendition(0, {20, 39, 1}, shape)});
    ASSERT_THAT(encoded.packets, ElementsAre(SizeIs(60)));
    EXPECT_EQ(encoded.result.video[0].checked, 60U);
  }
}

// A second encode within a task, here for a budget, uses the first pass of before.
TEST(TwoPasses, ABudgetIsMetByEncodingAgain) {
  RenditionTask task = rendition(0, {30, 30});
  const Encoded before = encode({task});
  ASSERT_THAT(before.packets, ElementsAre(SizeIs(60)));
  task.grant.budget_bytes = before.result.video[0].bytes / 2;
  const Encoded after = encode({task});
  ASSERT_THAT(after.packets, ElementsAre(SizeIs(60)));
  EXPECT_GT(after.result.video[0].tries, 1U);
  EXPECT_NEAR(static_cast<double>(after.result.video[0].bytes), static_cast<double>(*task.grant.budget_bytes),
              0.1 * static_cast<double>(*task.grant.budget_bytes));
  EXPECT_EQ(after.result.decoded, before.result.decoded / 2 * (after.result.video[0].tries + 1));
}

// libvpx keeps no buffer by constant quality; encoding again does.
TEST(TwoPasses, ABufferIsKeptByEncodingAgain) {
  RenditionTask task = rendition(0, {30, 30});
  task.grant.next_pts = kFrames;
  const Encoded before = encode({task});
  ASSERT_THAT(before.packets, ElementsAre(SizeIs(60)));
  EXPECT_EQ(before.result.video[0].tries, 1U);
  const auto bits_per_s = static_cast<std::int64_t>(before.result.video[0].bytes * 8 * 25 / kFrames);
  task.encoder.rate.maxrate = task.encoder.rate.bufsize = bits_per_s * 6 / 10;
  const Encoded after = encode({task});
  ASSERT_THAT(after.packets, ElementsAre(SizeIs(60)));
  EXPECT_GT(after.result.video[0].tries, 1U);
  EXPECT_TRUE(after.result.video[0].granted);
  EXPECT_LT(after.result.video[0].bytes, before.result.video[0].bytes);
}

TEST(TwoPasses, TheSecondPassNeedsTheFirst) {
  const auto opened = av::VideoEncoder::open(rendition(0, {1}).encoder, {.pass = Pass::kSecond});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, FaultKind::kConfig);
}

}  // namespace
}  // namespace gopmill
