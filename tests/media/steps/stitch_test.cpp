// Long because: one test per rule of the stitcher, in the order of its steps.

#include <gmock/gmock.h>

#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "base/hash.h"
#include "media/av/decode/demuxer.h"
#include "media/package/mp4_boxes.h"
#include "media/steps/work.h"
#include "tests/support/clips.h"
#include "tests/support/parent_double.h"
#include "tests/support/seen.h"

namespace gopmill {
namespace {

using test::ClipAudio;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A rendition of 128x96 whose frames are at these ticks, with a key frame at every `gop`-th.
RenditionPlan plan_at(std::vector<std::int64_t> times, Rational base, std::size_t gop, std::int64_t last_duration) {
  RenditionPlan plan;
  plan.name = "96p";
  plan.has_video = true;
  plan.width = 128;
  plan.height = 96;
  plan.base = base;
  plan.last_duration = last_duration;
  for (std::size_t i = 0; i < times.size(); ++i) plan.frames.push_back({times[i], i % gop == 0});
  return plan;
}

RenditionPlan plan_of(std::size_t frames, std::int64_t step = 1001, std::int64_t rate = 30000, std::size_t gop = 50) {
  std::vector<std::int64_t> times(frames);
  for (std::size_t i = 0; i < frames; ++i) times[i] = static_cast<std::int64_t>(i) * step;
  return plan_at(times, {1, rate}, gop, step);
}

void add_audio(RenditionPlan& plan, std::int64_t first_sample = 0, int sample_rate = 48000) {
  PlannedAudio audio;
  audio.task = {
      .profile = {AudioCodec::kAac, 128'000, 2}, .sample_rate = sample_rate, .channels = 2, .first_sample = first_sample};
  plan.audio_tracks.push_back(std::move(audio));
}

Fd audio_journal(const RenditionPlan& plan, double seconds, ClipAudio::Kind kind = ClipAudio::Kind::kBeeps,
                 std::size_t track = 0) {
  const Fd clip =
      test::make_clip({.audio = ClipAudio{.encoder = "pcm_s16le", .kind = kind, .seconds = seconds}, .container = "mov"});
  const Fd source = test::journal_of_track(clip.get(), Media::kAudio);
  Fd journal = *temporary_file();
  test::ParentDouble parent;
  const auto result = encode_audio(plan.audio_tracks[track].task, source.get(), 0, journal.get(), parent.line());
  EXPECT_TRUE(result) << (result ? "" : result.error().text);
  return journal;
}

struct Stitched {
  Fd file;
  std::string fault;
  FileReport report;
  std::vector<std::uint32_t> wanted, closed;
  [[nodiscard]] std::string sha256() const { return *file_sha256(file.get()); }
};

StitchRequest request_of(const RenditionPlan& plan, std::size_t files) {
  return {plan, static_cast<std::uint32_t>(files - plan.audio_tracks.size())};
}

Stitched stitch_files(const RenditionPlan& plan, const std::vector<Fd>& files) {
  Stitched stitched;
  stitched.file = *temporary_file();
  test::ParentDouble parent(files);
  auto report = stitch(stitched.file.get(), request_of(plan, files.size()), parent.line());
  if (report) {
    stitched.report = *report;
  } else {
    stitched.fault = report.error().text;
  }
  stitched.wanted = parent.wanted();
  stitched.closed = parent.closed();
  return stitched;
}

std::vector<std::string> box_types(const Fd& file) {
  std::vector<std::string> types;
  const auto layout = *read_mp4_layout(file.get());
  for (const Mp4Box& box : layout.boxes) types.push_back(box.type);
  return types;
}

const Mp4Track& track_of(const Mp4Layout& layout, const std::string& handler) {
  return *std::find_if(layout.tracks.begin(), layout.tracks.end(), [&](const Mp4Track& t) { return t.handler == handler; });
}

// The frame list as a player shows it: every number from 0, each at the plan's time.
void expect_frames(const RenditionPlan& plan, const test::SeenFile& seen) {
  ASSERT_EQ(seen.refused, 0U);
  ASSERT_EQ(seen.frames.size(), plan.frames.size());
  for (std::size_t i = 0; i < plan.frames.size(); ++i) {
    ASSERT_EQ(seen.frames[i].number, i);
    ASSERT_EQ(seen.frames[i].pts, plan.frames[i].pts * plan.base.num) << "of frame " << i;
  }
}

TEST(Stitch, JoinsDoNotDriftAt29_97) {
  const RenditionPlan plan = plan_of(400);
  const auto files = test::encode_segments(plan, {100, 100, 100, 100}, test::settings_for(plan));
  const Stitched stitched = stitch_files(plan, files);
  ASSERT_EQ(stitched.fault, "");
  expect_frames(plan, test::look_at(stitched.file.get()));
  const Mp4Layout layout = *read_mp4_layout(stitched.file.get());
  ASSERT_EQ(layout.tracks.size(), 1U);
  EXPECT_EQ(layout.tracks[0].timescale, 30000U);
  ASSERT_EQ(layout.tracks[0].durations.size(), 1U);
  EXPECT_EQ(layout.tracks[0].durations[0].count, 400U);
  EXPECT_EQ(layout.tracks[0].durations[0].value, 1001);
  EXPECT_EQ(layout.tracks[0].edits.size(), 1U);
  EXPECT_EQ(layout.tracks[0].entries.size(), 1U);
  EXPECT_EQ(layout.tracks[0].entries[0].type, "avc1");
  EXPECT_EQ(stitched.report.frames, 400U);
}

TEST(Stitch, AsksForEachFileTwiceAndClosesItOnce) {
  RenditionPlan plan = plan_of(90, 1, 30, 30);
  add_audio(plan);
  auto files = test::encode_segments(plan, {30, 30, 30}, test::settings_for(plan));
  files.push_back(audio_journal(plan, 3));
  const Stitched stitched = stitch_files(plan, files);
  ASSERT_EQ(stitched.fault, "");
  EXPECT_THAT(std::vector<std::uint32_t>(stitched.wanted.begin(), stitched.wanted.begin() + 4), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(stitched.wanted.size(), 8U);
  std::vector<std::uint32_t> closed = stitched.closed;
  std::sort(closed.begin(), closed.end());
  EXPECT_THAT(closed, ElementsAre(0, 1, 2, 3));
}

TEST(Stitch, TheIndexComesFirstAndTheFileIsWrittenOnce) {
  RenditionPlan plan = plan_of(300);
  add_audio(plan);
  auto files = test::encode_segments(plan, {100, 100, 100}, test::settings_for(plan));
  files.push_back(audio_journal(plan, 10));
  const std::uint64_t before = test::bytes_written();
  const Stitched stitched = stitch_files(plan, files);
  const std::uint64_t written = test::bytes_written() - before;
  ASSERT_EQ(stitched.fault, "");
  EXPECT_LE(static_cast<double>(written), 1.02 * static_cast<double>(stitched.report.bytes));
  EXPECT_THAT(box_types(stitched.file), ElementsAre("ftyp", "moov", "free", "free", "mdat"));
  const Mp4Layout layout = *read_mp4_layout(stitched.file.get());
  // The gap is computed tightly: what is left of it is small.
  EXPECT_LT(layout.boxes[2].size, 8192U);
}

TEST(Stitch, NothingTellsWhoWroteItOrWhen) {
  const RenditionPlan plan = plan_of(60);
  const Stitched stitched = stitch_files(plan, test::encode_segments(plan, {60}, test::settings_for(plan)));
  const std::string bytes = *read_all(stitched.file.get(), 10 << 20);
  EXPECT_EQ(bytes.find("Lavf"), std::string::npos);
  EXPECT_EQ(bytes.find("Lavc"), std::string::npos);
  EXPECT_EQ(bytes.find("udta"), std::string::npos);
  for (const char* header : {"mvhd", "tkhd", "mdhd"})
    EXPECT_EQ(bytes.substr(bytes.find(header) + 8, 8), std::string(8, '\0')) << header;
}

struct Tail {
  std::size_t frames;
  std::vector<std::size_t> segments;
};

TEST(Stitch, OddTailsKeepEveryFrame) {
  for (const Tail& tail : {Tail{251, {250, 1}}, Tail{252, {250, 2}}, Tail{253, {250, 3}}, Tail{1, {1}}, Tail{2, {2}}}) {
    const RenditionPlan plan = plan_of(tail.frames);
    const Stitched stitched = stitch_files(plan, test::encode_segments(plan, tail.segments, test::settings_for(plan)));
    ASSERT_EQ(stitched.fault, "");
    expect_frames(plan, test::look_at(stitched.file.get()));
    const Mp4Layout layout = *read_mp4_layout(stitched.file.get());
    const Mp4Presentation shown = *presentation_of(layout, layout.tracks[0]);
    EXPECT_GT(shown.samples.back().duration, 0);
    EXPECT_EQ(shown.lasts, static_cast<std::int64_t>(tail.frames) * 1001);
  }
}

TEST(Stitch, AChangeOfRateAtAJoinKeepsBothClocks) {
  // 240 frames at 60/s, then 96 at 24/s, in ticks of 1/120000 s; every encoder starts with a delay of its own.
  std::vector<std::int64_t> times;
  for (int i = 0; i < 240; ++i) times.push_back(i * 2000);
  for (int i = 0; i < 96; ++i) times.push_back(480'000 + i * 5000);
  const RenditionPlan plan = plan_at(times, {1, 120'000}, 48, 5000);
  const Stitched stitched = stitch_files(plan, test::encode_segments(plan, {240, 96}, test::settings_for(plan)));
  ASSERT_EQ(stitched.fault, "");
  expect_frames(plan, test::look_at(stitched.file.get()));
  const Mp4Layout layout = *read_mp4_layout(stitched.file.get());
  const Mp4Presentation shown = *presentation_of(layout, layout.tracks[0]);
  for (const Mp4Sample& sample : shown.samples) {
    EXPECT_GT(sample.duration, 0);
    EXPECT_LE(sample.dts, sample.pts);
  }
}

TEST(Stitch, ABaseWithANumeratorIsKeptInWholeTicks) {
  RenditionPlan plan = plan_of(60, 1, 30, 30);
  plan.base = {1001, 30000};
  const Stitched stitched = stitch_files(plan, test::encode_segments(plan, {30, 30}, test::settings_for(plan)));
  ASSERT_EQ(stitched.fault, "");
  expect_frames(plan, test::look_at(stitched.file.get()));
}

// Audio that starts with, shortly after and long after the video, and before it: the offset holds to the sample, in the
// boxes and when decoded by libav.
TEST(Stitch, TheOffsetOfAudioAndFrameHolds) {
  struct Offset {
    std::int64_t first_sample;
    std::int64_t first_tick;
  };
  for (const Offset& offset :
       {Offset{0, 0}, Offset{480, 0}, Offset{1024, 0}, Offset{1920, 0}, Offset{70'001, 0}, Offset{0, 1201}, Offset{0, 45'007}}) {
    SCOPED_TRACE(std::to_string(offset.first_sample) + " samples, " + std::to_string(offset.first_tick) + " ticks");
    RenditionPlan plan = plan_of(150);
    for (PlannedFrame& frame : plan.frames) frame.pts += offset.first_tick;
    add_audio(plan, offset.first_sample);
    auto files = test::encode_segments(plan, {50, 100}, test::settings_for(plan));
    files.push_back(audio_journal(plan, 4.5));
    const Stitched stitched = stitch_files(plan, files);
    ASSERT_EQ(stitched.fault, "");
    const test::SeenFile seen = test::look_at(stitched.file.get());
    expect_frames(plan, seen);
    EXPECT_EQ(seen.audio->first, offset.first_sample);
    EXPECT_TRUE(seen.audio->contiguous);
    const std::vector<double> beeps = test::beeps_in(*seen.audio);
    ASSERT_EQ(beeps.size(), 5U);
    for (std::size_t i = 0; i < beeps.size(); ++i) {
      EXPECT_NEAR(beeps[i], static_cast<double>(i) + 0.02 + static_cast<double>(offset.first_sample) / 48'000, 0.001);
    }
    EXPECT_NEAR(beeps.back() - beeps.front(), 4, 0.0001);
    const Mp4Layout layout = *read_mp4_layout(stitched.file.get());
    const Mp4Presentation audio = *presentation_of(layout, track_of(layout, "soun"));
    EXPECT_TRUE(audio.exact);
    EXPECT_EQ(audio.starts, offset.first_sample);
    EXPECT_EQ(audio.skips, 1024);
    EXPECT_EQ(audio.lasts, 216'000);
    const Mp4Presentation frames = *presentation_of(layout, track_of(layout, "vide"));
    EXPECT_TRUE(frames.exact);
    EXPECT_EQ(frames.starts, offset.first_tick);
  }
}

TEST(Stitch, AudioAloneIsAFileToo) {
  RenditionPlan plan;
  plan.base = {1, 48000};
  add_audio(plan);
  std::vector<Fd> files;
  files.push_back(audio_journal(plan, 30, ClipAudio::Kind::kSine));
  const Stitched stitched = stitch_files(plan, files);
  ASSERT_EQ(stitched.fault, "");
  EXPECT_EQ(stitched.report.audio_samples, 1'440'000U);
  const test::SeenFile seen = test::look_at(stitched.file.get());
  EXPECT_EQ(seen.audio->first, 0);
  EXPECT_GE(seen.audio->planes[0].size(), 1'440'000U);
  EXPECT_LE(seen.audio->planes[0].size(), 1'441'023U);
  const Mp4Layout layout = *read_mp4_layout(stitched.file.get());
  EXPECT_EQ(layout.tracks[0].edits[0].duration * 48000 / layout.timescale, 1'440'000U);
}

TEST(Stitch, PiecesOfAudioLieNextToTheirFrames) {
  RenditionPlan plan = plan_of(300, 1, 30, 60);
  add_audio(plan);
  auto files = test::encode_segments(plan, {120, 180}, test::settings_for(plan));
  files.push_back(audio_journal(plan, 10));
  const Stitched stitched = stitch_files(plan, files);
  ASSERT_EQ(stitched.fault, "");
  // In file order, no packet is more than a piece of half a second, and the delay of one reordering, away from the other track's.
  EXPECT_LT(test::interleaving_of(stitched.file.get()), 0.75);
}

TEST(Stitch, TheSameJournalsGiveTheSameBytes) {
  RenditionPlan plan = plan_of(100);
  add_audio(plan);
  std::vector<std::string> sums;
  for (int i = 0; i < 2; ++i) {
    auto files = test::encode_segments(plan, {50, 50}, test::settings_for(plan));
    files.push_back(audio_journal(plan, 3));
    sums.push_back(stitch_files(plan, files).sha256());
  }
  EXPECT_EQ(sums[0], sums[1]);
}

TEST(Stitch, EveryCodecGetsItsSampleEntry) {
  struct Entry {
    VideoCodec codec;
    PixelFormat format;
    const char* type;
  };
  for (const Entry& entry :
       {Entry{VideoCodec::kH264, PixelFormat::kYuv420p, "avc1"}, Entry{VideoCodec::kHevc, PixelFormat::kYuv420p10, "hvc1"},
        Entry{VideoCodec::kVp9, PixelFormat::kYuv420p, "vp09"}, Entry{VideoCodec::kAv1, PixelFormat::kYuv420p, "av01"}}) {
    SCOPED_TRACE(entry.type);
    RenditionPlan plan = plan_of(60, 1001, 30000, 30);
    plan.codec = entry.codec;
    plan.pixel_format = entry.format;
    const Stitched stitched = stitch_files(plan, test::encode_segments(plan, {30, 30}, test::settings_for(plan)));
    ASSERT_EQ(stitched.fault, "");
    const Mp4Layout layout = *read_mp4_layout(stitched.file.get());
    ASSERT_EQ(layout.tracks[0].entries.size(), 1U);
    EXPECT_EQ(layout.tracks[0].entries[0].type, entry.type);
    EXPECT_FALSE(layout.tracks[0].entries[0].configuration.empty());
    const test::SeenFile seen = test::look_at(stitched.file.get());
    EXPECT_EQ(seen.refused, 0U);
    ASSERT_EQ(seen.frames.size(), plan.frames.size());
    for (std::size_t i = 0; i < plan.frames.size(); ++i) EXPECT_EQ(seen.frames[i].pts, plan.frames[i].pts);
  }
}

TEST(Stitch, RefusesSegmentsThatAreNotThePlan) {
  const RenditionPlan plan = plan_of(150);
  auto files = test::encode_segments(plan, {50, 50, 50}, test::settings_for(plan));
  std::vector<Fd> swapped;
  for (const int i : {0, 2, 1}) swapped.emplace_back(::dup(files[static_cast<std::size_t>(i)].get()));
  EXPECT_THAT(stitch_files(plan, swapped).fault, HasSubstr("segment 2: the frame at"));
  std::vector<Fd> short_of_one;
  for (const int i : {0, 1}) short_of_one.emplace_back(::dup(files[static_cast<std::size_t>(i)].get()));
  EXPECT_THAT(stitch_files(plan, short_of_one).fault, HasSubstr("50 planned frames are missing"));
  std::vector<Fd> doubled;
  for (const int i : {0, 1, 1, 2}) doubled.emplace_back(::dup(files[static_cast<std::size_t>(i)].get()));
  EXPECT_THAT(stitch_files(plan, doubled).fault, HasSubstr("segment 2: the frame at 1.668333 s comes twice"));
}

TEST(Stitch, RefusesOtherParameterSets) {
  const RenditionPlan plan = plan_of(100);
  auto files = test::encode_segments(plan, {50, 50}, test::settings_for(plan));
  EncoderSettings other = test::settings_for(plan);
  other.codec_profile = "baseline";
  auto alien = test::encode_segments(plan, {50, 50}, other);
  files[1] = std::move(alien[1]);
  EXPECT_EQ(stitch_files(plan, files).fault, "segment 1: its parameter sets differ from the first one's");
}

TEST(Stitch, RefusesATruncatedJournal) {
  const RenditionPlan plan = plan_of(100);
  const auto files = test::encode_segments(plan, {50, 50}, test::settings_for(plan));
  ASSERT_EQ(::ftruncate(files[1].get(), static_cast<off_t>(*file_size(files[1].get()) - 1)), 0);
  EXPECT_THAT(stitch_files(plan, files).fault, HasSubstr("segment 1: the journal ends early"));
}

TEST(Stitch, RefusesAudioThatStartsElsewhere) {
  RenditionPlan plan = plan_of(60, 1, 30, 30);
  add_audio(plan, 100);
  auto files = test::encode_segments(plan, {60}, test::settings_for(plan));
  files.push_back(audio_journal(plan, 2));
  plan.audio_tracks[0].task.first_sample = 101;
  EXPECT_THAT(stitch_files(plan, files).fault, HasSubstr("audio: starts at sample 100, planned is 101"));
}

// Each of several audio_tracks keeps its own rate, start, language and title, and only the first plays.
TEST(Stitch, CarriesSeveralAudioTracksSideBySide) {
  RenditionPlan plan = plan_of(60, 1, 30, 30);
  add_audio(plan, 100);
  add_audio(plan, 4'410, 44'100);
  plan.audio_tracks[0].language = "eng";
  plan.audio_tracks[1].language = "deu";
  plan.audio_tracks[1].title = "Kommentar für Hörende";
  auto files = test::encode_segments(plan, {30, 30}, test::settings_for(plan));
  files.push_back(audio_journal(plan, 2));
  files.push_back(audio_journal(plan, 1.5, ClipAudio::Kind::kBeeps, 1));
  const Stitched stitched = stitch_files(plan, files);
  ASSERT_EQ(stitched.fault, "");
  EXPECT_EQ(stitched.report.audio_samples, 96'000U);
  test::ParentDouble parent;
  const auto checked = verify(stitched.file.get(), {.plan = plan, .decode = true}, parent.line());
  ASSERT_TRUE(checked) << checked.error().text;
  for (const Check& check : checked->checks) EXPECT_TRUE(check.passed) << check.name << ": " << check.found;
  EXPECT_THAT(checked->codecs, ::testing::EndsWith(",mp4a.40.2"));
  const Mp4Layout layout = *read_mp4_layout(stitched.file.get());
  ASSERT_EQ(layout.tracks.size(), 3U);
  EXPECT_TRUE(layout.tracks[0].enabled && layout.tracks[1].enabled);
  EXPECT_FALSE(layout.tracks[2].enabled);
  EXPECT_EQ(layout.tracks[1].alternates, layout.tracks[2].alternates);
  EXPECT_NE(layout.tracks[0].alternates, layout.tracks[1].alternates);
  EXPECT_EQ(layout.tracks[1].language, "eng");
  EXPECT_EQ(layout.tracks[2].language, "deu");
  const auto seen = *av::Demuxer::open(stitched.file.get());
  EXPECT_EQ(seen.streams()[2].language, "deu");
  std::swap(plan.audio_tracks[0], plan.audio_tracks[1]);
  EXPECT_THAT(stitch_files(plan, files).fault, HasSubstr("audio 1: aac of 48000 Hz"));
}

// A day is 8,640 segments: descriptors must not add up.
TEST(Stitch, ADayOfSegmentsNeedsOneDescriptorAtATime) {
  constexpr std::size_t kSegments = 2'000;
  const RenditionPlan once = plan_of(1);
  const auto one = test::encode_segments(once, {1}, test::settings_for(once));
  auto reader = *JournalReader::open(one[0].get(), 0);
  const StreamParameters parameters = reader.parameters();
  const JournalPacket frame = **reader.next();
  const RenditionPlan plan = plan_of(kSegments, 1001, 30000, 1);
  int before = 0, most = 0;
  test::ParentDouble parent([&](std::uint32_t index) {
    most = std::max(most, test::open_descriptors());
    Fd file = *memory_file({});
    JournalWriter writer(file.get(), 0);
    JournalPacket packet = frame;
    packet.pts = static_cast<std::int64_t>(index) * 1001;
    EXPECT_TRUE(writer.begin(parameters) && writer.append(packet) && writer.finish());
    return file;
  });
  const Fd out = *temporary_file();
  before = test::open_descriptors();
  const auto report = stitch(out.get(), request_of(plan, kSegments), parent.line());
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_EQ(report->frames, kSegments);
  EXPECT_LE(most, before + 2);  // the double's own, and the one on its way
  EXPECT_EQ(test::look_at(out.get()).frames.size(), kSegments);
}

}  // namespace
}  // namespace gopmill
