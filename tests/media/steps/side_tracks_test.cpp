// What an analysis finds beside video and audio, in clips of every container that has it.

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "media/steps/work.h"
#include "tests/support/clips.h"
#include "tests/support/parent_double.h"

namespace gopmill {
namespace {

using namespace std::string_literals;
using test::Clip;
using test::ClipAudio;
using test::ClipText;
using test::ClipVideo;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

SourceFacts facts_of(const Clip& clip) {
  const Fd file = test::make_clip(clip);
  test::ParentDouble parent;
  const auto facts = analyse(file.get(), {}, parent.line());
  EXPECT_TRUE(facts) << (facts ? "" : facts.error().text);
  return facts ? *facts : SourceFacts{};
}

Clip clip_of(const std::string& container) {
  Clip clip;
  clip.frame = ClipVideo{.width = 128, .height = 96, .frames = 50};
  clip.container = container;
  return clip;
}

Cue found(std::int64_t start_ms, std::int64_t end_ms, const std::string& text, const std::string& settings = {}) {
  return {start_ms * 1000, end_ms * 1000, text, settings};
}

TEST(SideTrackFacts, TextTracksOfMatroska) {
  Clip clip = clip_of("matroska");
  clip.texts = {{.codec = "subrip",
                 .language = "eng",
                 .title = "English",
                 .is_default = true,
                 .lines = {{200, 600, "<i>one</i>"}, {400, 400, "two\r\nlines"}, {1000, 500, "<br>"}}},
                {.codec = "ass",
                 .language = "ger",
                 .is_forced = true,
                 .lines = {{0, 1000, "0,0,Default,,0,0,0,,{\\an8}drei\\Nvier"}, {1000, 100, "1,0,Default,,0,0,0,,{\\p1}m 0 0"}}}};
  const SourceFacts facts = facts_of(clip);
  ASSERT_EQ(facts.side_tracks.subtitles.size(), 2U);
  const SubtitleTrack& first = facts.side_tracks.subtitles[0];
  EXPECT_EQ(std::tuple(first.codec, first.language, first.title, first.is_text, first.is_default, first.is_forced),
            std::tuple("subrip"s, "eng"s, "English"s, true, true, false));
  EXPECT_THAT(first.cues,
              ElementsAre(found(200, 800, "<i>one</i>"), found(400, 800, "two\nlines"), found(1000, 1500, "&lt;br&gt;")));
  const SubtitleTrack& second = facts.side_tracks.subtitles[1];
  EXPECT_EQ(std::tuple(second.codec, second.language, second.is_default, second.is_forced),
            std::tuple("ass"s, "ger"s, false, true));
  EXPECT_THAT(second.cues, ElementsAre(found(0, 1000, "drei\nvier")));
  EXPECT_THAT(facts.notes, IsEmpty());
}

TEST(SideTrackFacts, TimesCountFromTheFirstFrame) {
  Clip clip = clip_of("matroska");
  clip.shift = {3, 1};
  clip.texts = {{.lines = {{-500, 1000, "early"}, {1000, 500, "a"}}}};
  EXPECT_THAT(facts_of(clip).side_tracks.subtitles.at(0).cues, ElementsAre(found(-500, 500, "early"), found(1000, 1500, "a")));
}

TEST(SideTrackFacts, TimedTextOfMp4) {
  Clip clip = clip_of("mp4");
  clip.texts = {{.codec = "mov_text",
                 .language = "fra",
                 .lines = {{200, 600, "\0\x03une"s},
                           {800, 200, "\0\0"s},
                           {1000, 500,
                            "\0\x04"
                            "deux"s}}}};
  const SourceFacts facts = facts_of(clip);
  ASSERT_EQ(facts.side_tracks.subtitles.size(), 1U);
  EXPECT_EQ(facts.side_tracks.subtitles[0].language, "fra");
  EXPECT_THAT(facts.side_tracks.subtitles[0].cues, ElementsAre(found(200, 800, "une"), found(1000, 1500, "deux")));
}

TEST(SideTrackFacts, WebvttOfWebm) {
  Clip clip = clip_of("webm");
  clip.frame->encoder = "libvpx";
  clip.texts = {{.codec = "webvtt", .lines = {{0, 900, "<v Ann>one &amp; <b>two</b>"}}}};
  EXPECT_THAT(facts_of(clip).side_tracks.subtitles.at(0).cues, ElementsAre(found(0, 900, "one &amp; <b>two</b>")));
}

TEST(SideTrackFacts, ChaptersAndTags) {
  for (const std::string container : {"matroska", "mp4"}) {
    Clip clip = clip_of(container);
    clip.chapters = {{0, 700, "Ein\nTag"}, {700, 1500, "\xffzwei"}};
    clip.tags = {
        {"title", " A  title\t"}, {"artist", "Somebody"}, {"creation_time", "2020-02-03T04:05:06.000000Z"}, {"comment", ""}};
    if (container == "matroska") clip.tags["secret"] = "x";
    const SourceFacts facts = facts_of(clip);
    EXPECT_THAT(facts.side_tracks.chapters, ElementsAre(Chapter{0, "Ein Tag"}, Chapter{700'000, "\xEF\xBF\xBDzwei"}))
        << container;
    EXPECT_THAT(facts.side_tracks.tags, UnorderedElementsAre(Pair("title", "A title"), Pair("artist", "Somebody"))) << container;
    EXPECT_EQ(facts.side_tracks.created_unix_s, 1'580'702'706) << container;
    EXPECT_EQ(facts.side_tracks.tags_left_out, container == "matroska" ? 1U : 0U);
    // The track that holds an MP4's chapters is no data track that was dropped.
    EXPECT_THAT(facts.notes, IsEmpty()) << container;
  }
}

TEST(SideTrackFacts, CoverOfAudio) {
  Clip clip;
  clip.audio = ClipAudio{.seconds = 1};
  clip.cover = true;
  const SourceFacts facts = facts_of(clip);
  EXPECT_FALSE(facts.video);
  ASSERT_TRUE(facts.side_tracks.cover);
  EXPECT_EQ(std::tuple(facts.side_tracks.cover->png, facts.side_tracks.cover->width, facts.side_tracks.cover->height),
            std::tuple(false, 64, 48));
  EXPECT_EQ(facts.side_tracks.cover->bytes.substr(0, 3), "\xff\xd8\xff");
}

TEST(SideTrackFacts, TooManyCuesAreCounted) {
  Clip clip = clip_of("matroska");
  clip.frame->frames = 5;
  ClipText text;
  for (std::size_t i = 0; i < kCuesMax + 7; ++i) text.lines.push_back({static_cast<std::int64_t>(i / 100), 10, "x"});
  clip.texts = {text};
  const SubtitleTrack track = facts_of(clip).side_tracks.subtitles.at(0);
  EXPECT_EQ(std::pair(track.cues.size(), track.cues_left_out), std::pair(kCuesMax, 7U));
}

}  // namespace
}  // namespace gopmill
