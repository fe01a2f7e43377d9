#include "media/package/mp4_metadata.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "media/av/decode/demuxer.h"
#include "media/steps/work.h"
#include "tests/support/clips.h"
#include "tests/support/parent_double.h"

namespace gopmill {
namespace {

using namespace std::string_literals;
using test::ClipAudio;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TextTrack track_of(std::vector<Cue> cues) { return {.language = "eng", .cues = std::move(cues)}; }

TEST(TextSamples, FollowEachOtherWithoutGaps) {
  const auto samples = text_samples(track_of({{500, 1000, "a", ""}, {1000, 1500, "b", ""}, {2000, 2001, "c", ""}}));
  ASSERT_TRUE(samples);
  EXPECT_THAT(*samples, ElementsAre(TextSample{0, 500, "\0\0"s}, TextSample{500, 500, "\0\1a"s}, TextSample{1000, 500, "\0\1b"s},
                                    TextSample{1500, 500, "\0\0"s}, TextSample{2000, 1, "\0\1c"s}));
}

TEST(TextSamples, ShowWhatOverlapsTogether) {
  const auto samples = text_samples(track_of({{0, 1000, "a", ""}, {500, 1500, "b", ""}}));
  ASSERT_TRUE(samples);
  EXPECT_THAT(*samples,
              ElementsAre(TextSample{0, 500, "\0\1a"s}, TextSample{500, 500, "\0\3a\nb"s}, TextSample{1000, 500, "\0\1b"s}));
  std::vector<Cue> cues;
  for (std::int64_t i = 0; i < 6; ++i) cues.push_back({i, 10, std::string(1, static_cast<char>('a' + i)), ""});
  const auto many = text_samples(track_of(cues));
  ASSERT_TRUE(many);
  EXPECT_EQ(many->back(), (TextSample{5, 5, "\0\7c\nd\ne\nf"s}));
}

TEST(TextSamples, RefuseToRepeatTextWithoutEnd) {
  std::vector<Cue> cues;
  for (std::int64_t i = 0; i < 20'000; ++i) cues.push_back({i, 100'000 + i, std::string(4000, 'x'), ""});
  const auto samples = text_samples(track_of(cues));
  ASSERT_FALSE(samples);
  EXPECT_EQ(samples.error().kind, FaultKind::kInput);
}

TEST(UserData, IsNothingWhereThereIsNothingToSay) { EXPECT_EQ(user_data_of({}), ""); }

TEST(UserData, ListsTags) {
  SideTrackPlan side_tracks;
  side_tracks.tags = {{"title", "T"}};
  EXPECT_EQ(user_data_of(side_tracks),
            "\0\0\0\x4emeta\0\0\0\0\0\0\0\x21hdlr\0\0\0\0\0\0\0\0mdirappl\0\0\0\0\0\0\0\0\0"
            "\0\0\0\x21ilst\0\0\0\x19\xA9nam\0\0\0\x11"
            "data\0\0\0\1\0\0\0\0T"s);
}

// A file of 3 s with all there may be, stitched.
class Mp4Metadata : public ::testing::Test {
 protected:
  void SetUp() override {
    plan_.name = "96p";
    plan_.has_video = true;
    plan_.width = 128;
    plan_.height = 96;
    plan_.base = {1, 10'000};
    plan_.last_duration = 1000;
    for (std::size_t i = 0; i < 30; ++i) plan_.frames.push_back({static_cast<std::int64_t>(i) * 1000, i == 0});
    SideTrackPlan& side_tracks = plan_.side_tracks;
    side_tracks.subtitles = {{"eng", "English", true, false, {{500, 1000, "<b>a</b> &amp; b", ""}, {900, 2900, "c\nd", ""}}},
                             {"de", "", false, true, {{0, 3000, "\u00e4", ""}}}};
    side_tracks.chapters = {{0, "Eins \u00e9"}, {1501, ""}, {2999, "Drei"}};
    for (const char* name : {"title", "artist", "album", "album_artist", "date", "genre", "comment", "description", "copyright"})
      side_tracks.tags[name] = "the "s + name;
    side_tracks.created_unix_s = 1'580'702'706;
    side_tracks.location = "+48.8584+002.2945/";
  }
  // The finished file's checks that failed.
  std::vector<std::string> stitched_and_verified() {
    const std::vector<Fd> files = test::encode_segments(plan_, {plan_.frames.size()}, test::settings_for(plan_));
    file_ = *temporary_file();
    test::ParentDouble parent(files);
    const auto stitched = stitch(file_.get(), {.plan = plan_, .video_inputs = 1}, parent.line());
    EXPECT_TRUE(stitched) << (stitched ? "" : stitched.error().text);
    return failed(plan_);
  }
  std::vector<std::string> failed(const RenditionPlan& plan) {
    test::ParentDouble parent;
    const auto report = verify(file_.get(), {.plan = plan, .decode = true}, parent.line());
    if (!report) return {report.error().text};
    std::vector<std::string> names;
    for (const Check& check : report->checks) {
      if (!check.passed) names.push_back(check.name + ": " + check.found);
    }
    return names;
  }
  RenditionPlan plan_;
  Fd file_;
};

TEST_F(Mp4Metadata, IsReadBackAsPlanned) {
  EXPECT_THAT(stitched_and_verified(), IsEmpty());
  // As an analysis of the output finds it, which has another way of reading text.
  test::ParentDouble parent;
  const auto facts = analyse(file_.get(), {}, parent.line());
  ASSERT_TRUE(facts) << facts.error().text;
  const SideTrackFacts& side_tracks = facts->side_tracks;
  EXPECT_EQ(side_tracks.tags, plan_.side_tracks.tags);
  EXPECT_EQ(side_tracks.created_unix_s, plan_.side_tracks.created_unix_s);
  EXPECT_EQ(side_tracks.location, plan_.side_tracks.location);
  EXPECT_THAT(side_tracks.chapters, ElementsAre(Chapter{0, "Eins \u00e9"}, Chapter{1'501'000, ""}, Chapter{2'999'000, "Drei"}));
  ASSERT_EQ(side_tracks.subtitles.size(), 2U);
  EXPECT_THAT(side_tracks.subtitles[0].cues,
              ElementsAre(Cue{500'000, 900'000, "<b>a</b> &amp; b", ""}, Cue{900'000, 1'000'000, "<b>a</b> &amp; b\nc\nd", ""},
                          Cue{1'000'000, 2'900'000, "c\nd", ""}));
  EXPECT_THAT(side_tracks.subtitles[1].cues, ElementsAre(Cue{0, 3'000'000, "\u00e4", ""}));
  EXPECT_EQ(std::pair(side_tracks.subtitles[0].language, side_tracks.subtitles[1].language), std::pair("eng"s, "deu"s));
  EXPECT_THAT(facts->notes, IsEmpty());
}

TEST_F(Mp4Metadata, HasTheSameBytesEachTime) {
  stitched_and_verified();
  const std::string once = *read_all(file_.get(), 1U << 30);
  stitched_and_verified();
  EXPECT_EQ(*read_all(file_.get(), 1U << 30), once);
}

TEST_F(Mp4Metadata, WithChaptersAlone) {
  plan_.side_tracks = {.chapters = {{0, "only"}}};
  EXPECT_THAT(stitched_and_verified(), IsEmpty());
}

TEST_F(Mp4Metadata, WithAsManyAsThereMayBe) {
  plan_.side_tracks.chapters.clear();
  for (std::size_t i = 0; i < kChaptersMax; ++i)
    plan_.side_tracks.chapters.push_back({static_cast<std::int64_t>(i) * 11, std::string(kChapterTitleBytesMax, 'x')});
  plan_.side_tracks.subtitles[0].cues.clear();
  for (std::int64_t i = 0; i < 3000; ++i)
    plan_.side_tracks.subtitles[0].cues.push_back({i, i + 1, "line " + std::to_string(i), ""});
  for (auto& [name, value] : plan_.side_tracks.tags) value = std::string(kTagBytesMax, 'y');
  EXPECT_THAT(stitched_and_verified(), IsEmpty());
}

TEST_F(Mp4Metadata, WhatIsNotThePlansIsFound) {
  ASSERT_THAT(stitched_and_verified(), IsEmpty());
  const auto with = [&](auto change) {
    RenditionPlan other = plan_;
    change(other.side_tracks);
    return failed(other);
  };
  EXPECT_THAT(with([](SideTrackPlan& b) { b.tags["title"] = "another"; }),
              ElementsAre("tags: 9 tags, a date, a place, not as planned: the tags"));
  EXPECT_THAT(with([](SideTrackPlan& b) { b.created_unix_s = 1; }),
              ElementsAre("tags: 9 tags, a date, a place, not as planned: the date"));
  EXPECT_THAT(with([](SideTrackPlan& b) { b.location.clear(); }),
              ElementsAre("tags: 9 tags, a date, a place, not as planned: the place"));
  EXPECT_THAT(with([](SideTrackPlan& b) { b.chapters[1].start += 1; }), ElementsAre("chapters: 3 chapters, not as planned"));
  EXPECT_THAT(with([](SideTrackPlan& b) { b.chapters.clear(); }), ElementsAre("chapters: 3 chapters, not as planned"));
  EXPECT_THAT(with([](SideTrackPlan& b) { b.subtitles[0].cues[0].text = "x"; }),
              ElementsAre("subtitles: 2 text tracks; track 1: sample 1 is not the one planned"));
  EXPECT_THAT(with([](SideTrackPlan& b) { b.subtitles[0].cues[1].end -= 1; }),
              ElementsAre("subtitles: 2 text tracks; track 1: sample 3 is not the one planned"));
  EXPECT_THAT(with([](SideTrackPlan& b) { b.subtitles[0].language = "fra"; }),
              ElementsAre("subtitles: 2 text tracks; track 1: its language or name is not the one planned"));
  EXPECT_THAT(with([](SideTrackPlan& b) { b.subtitles[0].title = "x"; }),
              ElementsAre("subtitles: 2 text tracks; track 1: its language or name is not the one planned"));
  EXPECT_THAT(with([](SideTrackPlan& b) { b.subtitles.pop_back(); }), ElementsAre("subtitles: 2 text tracks"));
}

TEST(CoverInMp4, IsCopiedAsItIs) {
  const Fd clip = test::make_clip({.audio = ClipAudio{.seconds = 1}, .cover = true});
  test::ParentDouble parent;
  const auto facts = analyse(clip.get(), {}, parent.line());
  ASSERT_TRUE(facts && facts->side_tracks.cover);
  RenditionPlan plan;
  plan.name = "audio";
  PlannedAudio audio;
  audio.task.profile.bitrate = 64'000;
  plan.audio_tracks = {audio};
  plan.base = {1, 48000};
  plan.side_tracks.cover = facts->side_tracks.cover;
  std::vector<Fd> files;
  files.push_back(*temporary_file());
  const Fd source = test::journal_of_track(clip.get(), Media::kAudio);
  test::ParentDouble line(files);
  ASSERT_TRUE(encode_audio(audio.task, source.get(), 0, files.back().get(), line.line()));
  const Fd file = *temporary_file();
  const auto stitched = stitch(file.get(), {.plan = plan}, line.line());
  ASSERT_TRUE(stitched) << stitched.error().text;
  const auto report = verify(file.get(), {.plan = plan, .decode = true}, line.line());
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_TRUE(std::ranges::all_of(report->checks, &Check::passed));
  const auto output = analyse(file.get(), {}, line.line());
  ASSERT_TRUE(output) << output.error().text;
  EXPECT_EQ(output->side_tracks.cover, facts->side_tracks.cover);
}

}  // namespace
}  // namespace gopmill
