// Long because: one test per rule of an audio task, from its timeline to its level.

#include <gmock/gmock.h>

#include <unistd.h>

#include <cmath>
#include <set>

#include "base/hash.h"
#include "media/signal/loudness.h"
#include "media/steps/work.h"
#include "tests/support/clips.h"
#include "tests/support/parent_double.h"
#include "tests/support/seen.h"

namespace gopmill {
namespace {

using test::Clip;
using test::ClipAudio;
using test::HeardAudio;
using ::testing::HasSubstr;

constexpr std::int64_t kAacFrame = 1024;

AudioTask task_of(AudioCodec codec = AudioCodec::kAac, int channels = 2, int sample_rate = 48000) {
  AudioTask task;
  task.profile = {codec, 128'000, channels};
  task.sample_rate = sample_rate;
  task.channels = channels;
  return task;
}

struct Encoded {
  TaskResult result;
  Fd journal;
  StreamParameters parameters;
  std::vector<JournalPacket> packets;
  std::string fault;
  [[nodiscard]] std::string sha256() const { return *file_sha256(journal.get()); }
};

Encoded encode_journal(const Fd& source, const AudioTask& task) {
  Encoded encoded;
  encoded.journal = *temporary_file();
  test::ParentDouble parent;
  auto result = encode_audio(task, source.get(), 0, encoded.journal.get(), parent.line());
  if (!result) {
    encoded.fault = result.error().text;
    return encoded;
  }
  encoded.result = *result;
  auto reader = *JournalReader::open(encoded.journal.get(), 0);
  encoded.parameters = reader.parameters();
  while (auto packet = *reader.next()) encoded.packets.push_back(std::move(*packet));
  return encoded;
}

Encoded encode(const Clip& clip, const AudioTask& task) {
  return encode_journal(test::journal_of_track(test::make_clip(clip).get(), Media::kAudio), task);
}

// Uncompressed, so that packets may be moved without harm to their neighbours. `retime` gives each packet's new time in samples, or
// nothing to leave it out.
Encoded encode_retimed(const ClipAudio& audio, const std::function<std::optional<std::int64_t>(std::int64_t)>& retime,
                       const AudioTask& task) {
  const Fd clip = test::make_clip({.audio = audio, .container = "mov"});
  const Fd journal = test::journal_of_track(clip.get(), Media::kAudio, [&](JournalPacket& packet) {
    const auto pts = retime(packet.pts);
    packet.pts = packet.dts = pts.value_or(0);
    return pts.has_value();
  });
  return encode_journal(journal, task);
}

// What a player hears of it: alone in a file of its own.
HeardAudio hear(const Encoded& encoded, const AudioTask& task) {
  std::vector<Fd> files;
  files.emplace_back(::dup(encoded.journal.get()));
  test::ParentDouble parent(files);
  StitchRequest request;
  request.plan.audio_tracks = {{.task = task}};
  const Fd file = *temporary_file();
  const auto report = stitch(file.get(), request, parent.line());
  EXPECT_TRUE(report) << (report ? "" : report.error().text);
  auto seen = test::look_at(file.get());
  EXPECT_EQ(seen.refused, 0U);
  return std::move(*seen.audio);
}

// `beeps` at each full second from `first` on, `late` seconds later, to a millisecond.
void expect_beeps(const std::vector<double>& beeps, int first, int end, double late = 0) {
  ASSERT_EQ(beeps.size(), static_cast<std::size_t>(end - first));
  for (std::size_t i = 0; i < beeps.size(); ++i)
    EXPECT_NEAR(beeps[i], static_cast<double>(first) + static_cast<double>(i) + 0.02 + late, 0.001);
}

TEST(Audio, PacketsFollowEachOtherFromThePrimingToTheLastSample) {
  const AudioTask task = task_of();
  const Encoded encoded = encode({.audio = ClipAudio{.encoder = "pcm_s16le", .seconds = 2.5}, .container = "matroska"}, task);
  ASSERT_EQ(encoded.fault, "");
  EXPECT_EQ(encoded.result.audio->samples, 120'000U);
  EXPECT_EQ(encoded.result.audio->priming, kAacFrame);
  EXPECT_EQ(encoded.parameters.initial_padding, kAacFrame);
  EXPECT_EQ(encoded.parameters.base, (Rational{1, 48000}));
  EXPECT_FALSE(encoded.parameters.extradata.empty());
  std::int64_t at = -kAacFrame;
  for (const JournalPacket& packet : encoded.packets) {
    EXPECT_EQ(packet.pts, at);
    if (&packet != &encoded.packets.back()) {
      EXPECT_EQ(packet.duration, kAacFrame);
    }
    at += packet.duration;
  }
  EXPECT_EQ(at, 120'000);
}

TEST(Audio, StartsWhereThePlanSays) {
  AudioTask task = task_of();
  task.first_sample = 12'345;
  const Encoded encoded =
      encode({.audio = ClipAudio{.encoder = "pcm_s16le", .seconds = 1, .starts = 480}, .container = "matroska"}, task);
  EXPECT_EQ(encoded.packets.front().pts, 12'345 - kAacFrame);
  EXPECT_EQ(encoded.packets.back().pts + encoded.packets.back().duration, 12'345 + 48'000);
}

struct Source {
  const char* name;
  const char* encoder;
  const char* container;
  int sample_rate;
  int undeclared = 0;  // samples of priming that this muxer does not tell anybody of: nobody can take them away
};

class AudioSources : public ::testing::TestWithParam<Source> {};

// Priming and trimming of each kind of source are honoured: a beep at each second comes out at each second.
TEST_P(AudioSources, KeepBeepsWhereTheyWere) {
  const Source& source = GetParam();
  const AudioTask task = task_of();
  const Encoded encoded = encode(
      {.audio =
           ClipAudio{
               .encoder = source.encoder, .sample_rate = source.sample_rate, .kind = ClipAudio::Kind::kBeeps, .seconds = 4.5},
       .container = source.container},
      task);
  ASSERT_EQ(encoded.fault, "");
  EXPECT_EQ(encoded.result.audio->silence_filled, 0U);
  EXPECT_EQ(encoded.result.audio->overlap_dropped, 0U);
  EXPECT_NEAR(static_cast<double>(encoded.result.audio->samples), 216'000, 1152 * 48'000.0 / source.sample_rate);
  expect_beeps(test::beeps_in(hear(encoded, task)), 0, 5, source.undeclared / 48'000.0);
}

INSTANTIATE_TEST_SUITE_P(
    Of, AudioSources,
    ::testing::Values(Source{"AacInMp4", "aac", "mp4", 48000}, Source{"AacInMp4At44100", "aac", "mp4", 44100},
                      Source{"AacInMatroska", "aac", "matroska", 48000, 1024},
                      Source{"OpusInMatroska", "libopus", "matroska", 48000}, Source{"OpusInMp4", "libopus", "mp4", 48000},
                      Source{"Mp3", "libmp3lame", "mp3", 44100}, Source{"Mp3InMp4", "libmp3lame", "mp4", 48000},
                      Source{"FlacInMatroska", "flac", "matroska", 44100},
                      Source{"VorbisInMatroska", "vorbis", "matroska", 48000},
                      Source{"Ac3InMatroska", "ac3", "matroska", 48000, 256}, Source{"PcmInWav", "pcm_s16le", "wav", 22050}),
    [](const auto& source) { return std::string(source.param.name); });

// The 33-bit clock of a transport stream starts anywhere, and turns over after 95443.7 s.
TEST(Audio, AClockThatStartsAnywhereAndTurnsOverGoesOn) {
  for (const std::int64_t start : {0, 50'000, 95'441}) {
    const AudioTask task = task_of();
    const Encoded encoded = encode(
        {.audio = ClipAudio{.kind = ClipAudio::Kind::kBeeps, .seconds = 4.5}, .container = "mpegts", .shift = {start, 1}}, task);
    ASSERT_EQ(encoded.fault, "");
    EXPECT_EQ(encoded.packets.front().pts, -kAacFrame);
    EXPECT_EQ(encoded.result.audio->silence_filled, 0U);
    EXPECT_EQ(encoded.result.audio->overlap_dropped, 0U);
    // ADTS tells nobody of its priming.
    expect_beeps(test::beeps_in(hear(encoded, task)), 0, 5, 1024 / 48'000.0);
  }
}

TEST(Audio, ASineStaysOneSine) {
  const AudioTask task = task_of();
  const Encoded encoded =
      encode({.audio = ClipAudio{.encoder = "pcm_s16le", .sample_rate = 44100, .seconds = 30}, .container = "matroska"}, task);
  EXPECT_EQ(encoded.result.audio->samples, 1'440'000U);
  const HeardAudio audio = hear(encoded, task);
  EXPECT_TRUE(audio.contiguous);
  EXPECT_EQ(audio.first, 0);
  EXPECT_GE(audio.planes[0].size(), 1'440'000U);
  EXPECT_LE(audio.planes[0].size(), 1'441'023U);
  EXPECT_LT(test::worst_residual(audio, 440, 2000, 1'438'000), 200.0 / 32768);
}

TEST(Audio, HolesBecomeSilenceOfTheirLength) {
  const AudioTask task = task_of();
  const ClipAudio source{.encoder = "pcm_s16le", .kind = ClipAudio::Kind::kBeeps, .seconds = 4.5};
  // Between 1.5 and 2.5 s nothing was recorded; the beep at 2 s is in it.
  const auto retime = [](std::int64_t pts) { return pts >= 72'000 && pts < 120'000 ? std::optional<std::int64_t>() : pts; };
  const Encoded encoded = encode_retimed(source, retime, task);
  EXPECT_NEAR(static_cast<double>(encoded.result.audio->silence_filled), 48'000, 1024);
  EXPECT_NEAR(static_cast<double>(encoded.result.audio->samples), 216'000, 48);
  const std::vector<double> beeps = test::beeps_in(hear(encoded, task));
  ASSERT_EQ(beeps.size(), 4U);
  EXPECT_NEAR(beeps[1], 1.02, 0.001);
  EXPECT_NEAR(beeps[2], 3.02, 0.001);
  EXPECT_NEAR(beeps[3], 4.02, 0.001);
}

TEST(Audio, OverlapsAreDropped) {
  const AudioTask task = task_of();
  const ClipAudio source{.encoder = "pcm_s16le", .kind = ClipAudio::Kind::kBeeps, .seconds = 4.5};
  // From 2.5 s on the source's clock is 300 ms early: what comes again is left out once.
  const auto retime = [](std::int64_t pts) { return std::optional(pts >= 120'000 ? pts - 14'400 : pts); };
  const Encoded encoded = encode_retimed(source, retime, task);
  EXPECT_NEAR(static_cast<double>(encoded.result.audio->overlap_dropped), 14'400, 96);
  EXPECT_EQ(encoded.result.audio->silence_filled, 0U);
  EXPECT_NEAR(static_cast<double>(encoded.result.audio->samples), 216'000 - 14'400, 96);
  const std::vector<double> beeps = test::beeps_in(hear(encoded, task));
  ASSERT_EQ(beeps.size(), 5U);
  EXPECT_NEAR(beeps[2], 2.02, 0.001);
  EXPECT_NEAR(beeps[3], 2.72, 0.0015);
}

TEST(Audio, JitterIsLeftAlone) {
  const AudioTask task = task_of();
  const ClipAudio source{.encoder = "pcm_s16le", .seconds = 3};
  const auto retime = [](std::int64_t pts) { return std::optional(pts + (pts / 1024 % 3 - 1) * 300); };
  const Encoded encoded = encode_retimed(source, retime, task);
  EXPECT_EQ(encoded.result.audio->silence_filled, 0U);
  EXPECT_EQ(encoded.result.audio->overlap_dropped, 0U);
  EXPECT_EQ(encoded.result.audio->samples, 144'000U);
  const HeardAudio audio = hear(encoded, task);
  EXPECT_LT(test::worst_residual(audio, 440, 2000, 142'000), 200.0 / 32768);
}

TEST(Audio, AClockThatIsResetIsAFaultOfTheSource) {
  const ClipAudio source{.encoder = "pcm_s16le", .seconds = 30};
  const auto retime = [](std::int64_t pts) { return std::optional(pts >= 960'000 ? pts - 960'000 : pts); };
  const Encoded encoded = encode_retimed(source, retime, task_of());
  EXPECT_THAT(encoded.fault, HasSubstr("clock jumps back"));
}

TEST(Audio, HoursOfNothingAreRefused) {
  const ClipAudio source{.encoder = "pcm_s16le", .seconds = 1};
  const auto retime = [](std::int64_t pts) { return std::optional(pts >= 24'000 ? pts + 48'000LL * 3600 * 48 : pts); };
  const Encoded encoded = encode_retimed(source, retime, task_of());
  EXPECT_THAT(encoded.fault, HasSubstr("away from the first"));
}

float loudest_of(const HeardAudio& audio, std::size_t channel = 0) {
  float loudest = 0;
  for (std::size_t i = 4800; i + 4800 < audio.planes[channel].size(); ++i)
    loudest = std::max(loudest, std::abs(audio.planes[channel][i]));
  return loudest;
}

// Each channel of each layout where ITU-R BS.775 puts it, at its level, as a listener hears it.
TEST(Audio, EachChannelIsHeardWhereItBelongs) {
  struct Case {
    const char* layout;
    int only;
    int channels;
    std::vector<double> heard;
  };
  constexpr double k3dB = 0.7071;
  for (const Case& c : std::vector<Case>{{"stereo", 1, 2, {0, 1}},
                                         {"stereo", 0, 1, {k3dB}},
                                         {"3.0", 2, 2, {k3dB, k3dB}},
                                         {"4.0", 3, 2, {0.5, 0.5}},
                                         {"quad", 3, 2, {0, k3dB}},
                                         {"5.0", 3, 2, {k3dB, 0}},
                                         {"5.1", 2, 2, {k3dB, k3dB}},
                                         {"5.1", 3, 2, {0, 0}},
                                         {"5.1", 5, 1, {0.5}},
                                         {"5.1(side)", 4, 2, {k3dB, 0}},
                                         {"5.1(side)", 4, 6, {0, 0, 0, 0, 1, 0}},
                                         {"6.1", 4, 2, {0.5, 0.5}},
                                         {"7.1", 7, 2, {0, 0.5}},
                                         {"7.1", 6, 6, {0, 0, 0, 0, k3dB, 0}},
                                         {"7.1", 3, 6, {0, 0, 0, 1, 0, 0}},
                                         {"7.1(wide)", 6, 2, {0.9239, 0.3827}}}) {
    const AudioTask task = task_of(AudioCodec::kAac, c.channels);
    const ClipAudio audio{.encoder = "pcm_s16le", .hz = 80, .level = 0.25, .seconds = 0.5, .layout = c.layout, .only = c.only};
    const Encoded encoded = encode({.audio = audio, .container = "wav"}, task);
    ASSERT_EQ(encoded.fault, "") << c.layout;
    const HeardAudio heard = hear(encoded, task);
    for (std::size_t o = 0; o < c.heard.size(); ++o)
      EXPECT_NEAR(loudest_of(heard, o), 0.25 * c.heard[o], 0.01) << c.layout << " channel " << c.only << " at " << o;
  }
}

// Left alone where it fits; where the sum would clip, one gain brings its peak to the ceiling and no lower.
TEST(Audio, AMixIsAsLoudAsItCanBe) {
  AudioTask task = task_of(AudioCodec::kAac, 2);
  const auto mixed = [&task](double level) {
    return encode({.audio = ClipAudio{.encoder = "pcm_s16le", .channels = 6, .level = level, .seconds = 1}, .container = "wav"},
                  task);
  };
  const Encoded quiet = mixed(0.25);
  EXPECT_EQ(quiet.result.audio->loudness->gain, 0);
  EXPECT_FALSE(quiet.result.audio->loudness->limited);
  EXPECT_NEAR(loudest_of(hear(quiet, task)), 0.25 * 2.414, 0.03);
  const Encoded loud = mixed(0.9);
  EXPECT_NEAR(loud.result.audio->loudness->true_peak, 20 * std::log10(0.9 * 2.414), 0.1);
  EXPECT_TRUE(loud.result.audio->loudness->limited);
  EXPECT_NEAR(loudest_of(hear(loud, task)), 0.891, 0.03);
}

TEST(Audio, AudioThatKeepsItsChannelsKeepsItsLevel) {
  const AudioTask task = task_of();
  const Encoded encoded =
      encode({.audio = ClipAudio{.encoder = "pcm_s16le", .level = 0.98, .seconds = 1}, .container = "wav"}, task);
  EXPECT_FALSE(encoded.result.audio->loudness);
  EXPECT_NEAR(loudest_of(hear(encoded, task)), 0.98, 0.02);
}

// What is heard of the finished file, measured again.
double loudness_of(const HeardAudio& audio) {
  LoudnessMeter meter(audio.sample_rate, audio.channels);
  std::vector<const float*> planes;
  for (const auto& plane : audio.planes) planes.push_back(plane.data());
  meter.take(planes.data(), static_cast<int>(audio.planes[0].size()));
  return meter.integrated();
}

TEST(Audio, LoudnessIsBroughtToItsTarget) {
  for (const auto& [channels, rate, level] : {std::tuple{2, 48000, 0.05}, std::tuple{6, 44100, 0.5}, std::tuple{1, 22050, 0.9}}) {
    AudioTask task = task_of(AudioCodec::kAac, std::min(channels, 2), rate % 11025 == 0 ? 44100 : 48000);
    task.profile.loudness = -23;
    const ClipAudio audio{
        .encoder = "pcm_s16le", .sample_rate = rate, .channels = channels, .hz = 1000, .level = level, .seconds = 4};
    const Encoded encoded = encode({.audio = audio, .container = "wav"}, task);
    ASSERT_EQ(encoded.fault, "");
    const LoudnessResult& loudness = *encoded.result.audio->loudness;
    EXPECT_FALSE(loudness.limited);
    EXPECT_NEAR(loudness.lufs + loudness.gain, -23, 1e-9);
    EXPECT_NEAR(loudness_of(hear(encoded, task)), -23, 0.1) << channels << " channels at " << rate;
  }
}

TEST(Audio, AGainStopsBelowThePeakCeiling) {
  AudioTask task = task_of();
  task.profile.loudness = -5;
  task.profile.true_peak = -6;
  const Encoded encoded =
      encode({.audio = ClipAudio{.encoder = "pcm_s16le", .level = 0.1, .seconds = 2}, .container = "wav"}, task);
  EXPECT_TRUE(encoded.result.audio->loudness->limited);
  EXPECT_NEAR(encoded.result.audio->loudness->gain, 14, 0.1);
  EXPECT_NEAR(loudest_of(hear(encoded, task)), 0.501, 0.03);
}

TEST(Audio, EachRateKeepsItsLengthToTheSample) {
  for (const int rate :
       {8000, 11025, 12000, 16000, 22050, 24000, 32000, 37800, 44100, 48000, 64000, 88200, 96000, 176400, 192000}) {
    const AudioTask task = task_of(AudioCodec::kAac, 2, rate % 11025 == 0 ? 44100 : 48000);
    const ClipAudio audio{.encoder = "pcm_s16le", .sample_rate = rate, .seconds = 0.7531};
    const Encoded encoded = encode({.audio = audio, .container = "wav"}, task);
    const auto samples = std::llround(0.7531 * rate);
    EXPECT_EQ(encoded.result.audio->samples, static_cast<std::uint64_t>(rescale(samples, {1, rate}, {1, task.sample_rate})))
        << rate;
  }
}

TEST(Audio, OnePacketIsWholeAudio) {
  const AudioTask task = task_of();
  const ClipAudio audio{.encoder = "pcm_s16le", .sample_rate = 8000, .channels = 1, .seconds = 0.02};
  const Encoded encoded = encode({.audio = audio, .container = "wav"}, task);
  EXPECT_EQ(encoded.result.audio->samples, 960U);
  EXPECT_GE(hear(encoded, task).planes[0].size(), 960U);
}

// 20 ms: the shortest packet in common use.
TEST(Audio, OneLostPacketOfOpusLeavesItsTime) {
  const AudioTask task = task_of();
  const Fd clip = test::make_clip(
      {.audio = ClipAudio{.encoder = "libopus", .kind = ClipAudio::Kind::kBeeps, .seconds = 2.5}, .container = "matroska"});
  std::uint32_t count = 0;
  const Fd journal = test::journal_of_track(clip.get(), Media::kAudio, [&](JournalPacket&) { return ++count != 75; });
  const Encoded encoded = encode_journal(journal, task);
  EXPECT_EQ(encoded.result.audio->holes, 1U);
  EXPECT_NEAR(static_cast<double>(encoded.result.audio->silence_filled), 960, 48);
  expect_beeps(test::beeps_in(hear(encoded, task)), 0, 3);
}

// Vorbis has long and short blocks, and some recorders stamp each by its end.
TEST(Audio, BlocksStampedByTheirEndsLeaveNoHoles) {
  const AudioTask task = task_of();
  const Fd clip = test::make_clip(
      {.audio = ClipAudio{.encoder = "libvorbis", .kind = ClipAudio::Kind::kBeeps, .seconds = 3.5}, .container = "matroska"});
  std::set<std::int64_t> lengths;
  const Fd journal = test::journal_of_track(clip.get(), Media::kAudio, [&](JournalPacket& packet) {
    lengths.insert(packet.duration);
    packet.pts += packet.duration;
    packet.dts = packet.pts;
    return true;
  });
  ASSERT_GT(*lengths.rbegin() - *lengths.begin(), 18) << "blocks differ by less than any clock's jitter";
  const Encoded encoded = encode_journal(journal, task);
  EXPECT_EQ(encoded.result.audio->silence_filled + encoded.result.audio->overlap_dropped, 0U);
  expect_beeps(test::beeps_in(hear(encoded, task)), 0, 4);
}

// Blocks without a time follow the one before them; those at the very beginning are the beginning.
TEST(Audio, MissingTimestampsAreCounted) {
  const AudioTask task = task_of();
  const Fd clip = test::make_clip(
      {.audio = ClipAudio{.encoder = "pcm_s16le", .kind = ClipAudio::Kind::kBeeps, .seconds = 3.5}, .container = "mov"});
  const Fd journal = test::journal_of_track(clip.get(), Media::kAudio, [](JournalPacket& packet) {
    if (packet.ordinal % 5 != 4) packet.pts = packet.dts = INT64_MIN;
    return true;
  });
  const Encoded encoded = encode_journal(journal, task);
  EXPECT_EQ(encoded.result.audio->silence_filled + encoded.result.audio->overlap_dropped, 0U);
  EXPECT_EQ(encoded.result.audio->samples, 168'000U);
  expect_beeps(test::beeps_in(hear(encoded, task)), 0, 4);
}

TEST(Audio, SixChannelsMixDownWithoutClipping) {
  const AudioTask task = task_of(AudioCodec::kAac, 2);
  // All channels in phase at full scale: the worst case.
  const Encoded encoded = encode(
      {.audio = ClipAudio{.encoder = "pcm_s16le", .channels = 6, .level = 1.0, .seconds = 1}, .container = "matroska"}, task);
  ASSERT_EQ(encoded.fault, "");
  const HeardAudio audio = hear(encoded, task);
  float loudest = 0;
  for (std::size_t i = 4800; i < 43'200; ++i) loudest = std::max(loudest, std::abs(audio.planes[0][i]));
  EXPECT_NEAR(loudest, 0.891, 0.03);
}

TEST(Audio, SixChannelsStaySix) {
  const AudioTask task = task_of(AudioCodec::kAac, 6);
  const Encoded encoded =
      encode({.audio = ClipAudio{.encoder = "pcm_s16le", .channels = 6, .seconds = 1}, .container = "matroska"}, task);
  ASSERT_EQ(encoded.fault, "");
  EXPECT_EQ(hear(encoded, task).channels, 6);
}

TEST(Audio, OpusCarriesItsPreSkip) {
  const AudioTask task = task_of(AudioCodec::kOpus);
  const Encoded encoded = encode(
      {.audio = ClipAudio{.encoder = "pcm_s16le", .kind = ClipAudio::Kind::kBeeps, .seconds = 2.5}, .container = "matroska"},
      task);
  ASSERT_EQ(encoded.fault, "");
  EXPECT_EQ(encoded.result.audio->samples, 120'000U);
  EXPECT_GT(encoded.parameters.initial_padding, 0);
  expect_beeps(test::beeps_in(hear(encoded, task)), 0, 3);
}

// A broadcast changes from 44.1 to 48 kHz, and from mono to stereo, after 1.5 s.
TEST(Audio, AChangeOfRateAndLayoutKeepsTime) {
  const Fd merged = *temporary_file();
  JournalWriter writer(merged.get(), 0);
  std::uint32_t ordinal = 0;
  std::int64_t end = 0;  // ticks of 1/90000 s after the first packet
  for (const int part : {0, 1}) {
    const ClipAudio audio{.encoder = "mp2",
                          .sample_rate = part == 0 ? 44100 : 48000,
                          .channels = part == 0 ? 1 : 2,
                          .kind = ClipAudio::Kind::kBeeps,
                          .seconds = 2.5};
    const Fd journal = test::journal_of_track(test::make_clip({.audio = audio, .container = "mpegts"}).get(), Media::kAudio);
    auto reader = *JournalReader::open(journal.get(), 0);
    if (part == 0) {
      ASSERT_TRUE(writer.begin(reader.parameters()));
    }
    std::optional<std::int64_t> first;
    const std::int64_t begin = end;
    while (auto packet = *reader.next()) {
      if (!first) first = packet->pts;
      packet->pts = packet->dts = packet->pts - *first + begin;
      if (part == 0 && packet->pts >= 135'000) break;
      end = packet->pts + packet->duration;
      packet->ordinal = ordinal++;
      ASSERT_TRUE(writer.append(*packet));
    }
    if (part == 0) {
      ASSERT_NEAR(static_cast<double>(end), 135'000, 2352);
    }
  }
  ASSERT_TRUE(writer.finish());
  const AudioTask task = task_of();
  const Encoded encoded = encode_journal(merged, task);
  ASSERT_EQ(encoded.fault, "");
  EXPECT_EQ(encoded.result.audio->silence_filled, 0U);
  EXPECT_EQ(encoded.result.audio->overlap_dropped, 0U);
  // FFmpeg 5.1's MP2 decoder calls the first block after the change by the old rate: 102 samples too many, well within the slack.
  EXPECT_NEAR(static_cast<double>(encoded.result.audio->samples), static_cast<double>(end) * 48 / 90, 110);
  const std::vector<double> beeps = test::beeps_in(hear(encoded, task));
  ASSERT_EQ(beeps.size(), 5U);
  EXPECT_NEAR(beeps[1] - beeps[0], 1, 0.001);
  EXPECT_NEAR(beeps[3] - beeps[2], 1, 0.001);
  // MP2's own delay of 481 samples is longer in time at the lower rate.
  const double join = 1.5 + (static_cast<double>(end - 135'000) / 90'000 - 2.5);
  EXPECT_NEAR(beeps[2] - beeps[0], join + 481.0 / 48'000 - 481.0 / 44'100, 0.03);
}

TEST(Audio, TheSameSourceGivesTheSameBytes) {
  for (const AudioCodec codec : {AudioCodec::kAac, AudioCodec::kOpus}) {
    const Fd clip = test::make_clip({.audio = ClipAudio{.sample_rate = 44100, .seconds = 3}});
    const Encoded once = encode_journal(test::journal_of_track(clip.get(), Media::kAudio), task_of(codec));
    const Encoded again = encode_journal(test::journal_of_track(clip.get(), Media::kAudio), task_of(codec));
    EXPECT_EQ(once.sha256(), again.sha256());
  }
}

TEST(Audio, NothingDecodableIsAFaultOfTheSource) {
  const Fd journal = test::journal_of_track(
      test::make_clip({.audio = ClipAudio{.encoder = "flac", .seconds = 1}, .container = "matroska"}).get(), Media::kAudio);
  auto reader = *JournalReader::open(journal.get(), 0);
  const Fd broken = *temporary_file();
  JournalWriter writer(broken.get(), 0);
  ASSERT_TRUE(writer.begin(reader.parameters()));
  while (auto packet = *reader.next()) {
    packet->bytes.assign(packet->bytes.size(), 'x');
    ASSERT_TRUE(writer.append(*packet));
  }
  ASSERT_TRUE(writer.finish());
  EXPECT_THAT(encode_journal(broken, task_of()).fault, HasSubstr("none of the audio can be decoded"));
}

}  // namespace
}  // namespace gopmill
