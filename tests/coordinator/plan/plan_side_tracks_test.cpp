#include "coordinator/plan/plan_side_tracks.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/support/source_builder.h"

namespace gopmill {
namespace {

using test::clip;
using test::profile_with;
using test::rendition;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

SubtitleTrack track(const std::string& language, std::vector<Cue> cues) {
  SubtitleTrack made;
  made.codec = "subrip";
  made.is_text = true;
  made.language = language;
  made.cues = std::move(cues);
  return made;
}
Cue cue(double start, double end, const std::string& text) {
  return {static_cast<std::int64_t>(start * 1e6), static_cast<std::int64_t>(end * 1e6), text, ""};
}
Cue shown(std::int64_t start, std::int64_t end, const std::string& text) { return {start, end, text, ""}; }

class SideTracks : public ::testing::Test {
 protected:
  Plan planned() {
    auto plan = make_plan(facts_, profile_, "clip");
    EXPECT_TRUE(plan) << (plan ? "" : plan.error().text);
    return plan ? *plan : Plan{};
  }
  std::vector<std::string> names() {
    std::vector<std::string> found;
    for (const PlannedOutput& output : planned().outputs) {
      if (output.kind == OutputKind::kSubtitles) found.push_back(output.path);
    }
    return found;
  }
  SourceFacts facts_ = clip().frames(100).facts();  // 4 s
  Profile profile_ = profile_with({rendition()});
};

TEST_F(SideTracks, CuesAreCutToTheClipAndPutInOrder) {
  facts_.side_tracks.subtitles = {
      track("eng", {cue(3.5, 9, "late"), cue(1, 2, "b"), cue(-1, 0.5, "early"), cue(1, 2, "a"), cue(1, 2, "b"),
                    cue(1, 1.5, "short"), cue(-3, 0, "before"), cue(4, 5, "after"), cue(2, 1, "backward")})};
  const Plan plan = planned();
  ASSERT_EQ(plan.text_files.size(), 1U);
  EXPECT_THAT(plan.text_files[0].cues, ElementsAre(shown(0, 500, "early"), shown(1000, 1500, "short"), shown(1000, 2000, "b"),
                                                   shown(1000, 2000, "a"), shown(3500, 4000, "late")));
  EXPECT_THAT(plan.notes, Contains("subtitle track 1 (subrip, eng): 3 cues outside of the video are left out"));
}

TEST_F(SideTracks, TimesMoveWithTheFrame) {
  facts_ = clip().frames(100).audio_after(-250).facts();
  facts_.side_tracks.subtitles = {track("", {cue(1, 2, "a")})};
  facts_.side_tracks.chapters = {{0, "one"}, {2'000'000, "two"}};
  Plan plan = planned();
  EXPECT_THAT(plan.text_files[0].cues, ElementsAre(shown(1250, 2250, "a")));
  EXPECT_THAT(plan.renditions[0].file.side_tracks.chapters, ElementsAre(Chapter{0, "one"}, Chapter{2250, "two"}));
  // Of the clip only its audio, from its own beginning.
  profile_ = test::audio_profile();
  for (const auto& [milliseconds, start] : {std::pair(-250, 1250), std::pair(400, 600)}) {
    const SourceFacts moved = clip().frames(100).audio_after(milliseconds).facts();
    facts_.audio = moved.audio;
    plan = planned();
    EXPECT_THAT(plan.text_files[0].cues, ElementsAre(shown(start, start + 1000, "a")));
  }
}

TEST_F(SideTracks, NamesOfFilesAreUnique) {
  const std::vector<Cue> text = {cue(0, 1, "a")};
  facts_.side_tracks.subtitles = {track("eng", text), track("", text), track("eng", text), track("deu", text),
                                  track("eng", text)};
  facts_.side_tracks.subtitles[3].is_forced = true;
  EXPECT_THAT(names(), ElementsAre("clip.eng.vtt", "clip.und.vtt", "clip.eng.2.vtt", "clip.deu.forced.vtt", "clip.eng.3.vtt"));
}

TEST_F(SideTracks, TheProfileChoosesTracks) {
  const std::vector<Cue> text = {cue(0, 1, "a")};
  facts_.side_tracks.subtitles = {track("eng", text), track("pt-br", text), track("ger", text)};
  profile_.subtitles.tracks = TrackChoice::kLanguages;
  profile_.subtitles.languages = {"de", "por"};
  EXPECT_THAT(names(), ElementsAre("clip.pt-br.vtt", "clip.ger.vtt"));
  profile_.subtitles.tracks = TrackChoice::kDefault;
  EXPECT_THAT(names(), ElementsAre("clip.eng.vtt"));
  facts_.side_tracks.subtitles[1].is_default = true;
  EXPECT_THAT(names(), ElementsAre("clip.pt-br.vtt"));
  profile_.subtitles.text = TextSubtitles::kNone;
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_THAT(planned().notes, Contains("subtitle track 3 (subrip, ger) is not carried: the profile does not ask for it"));
}

TEST_F(SideTracks, TextGoesIntoFilesOrRenditionsOrBoth) {
  facts_.side_tracks.subtitles = {track("eng", {cue(0, 1, "a")})};
  const auto counts = [&](TextSubtitles text) {
    profile_.subtitles.text = text;
    const Plan plan = planned();
    return std::pair(plan.text_files.size(), plan.renditions[0].file.side_tracks.subtitles.size());
  };
  EXPECT_EQ(counts(TextSubtitles::kVtt), std::pair(1UL, 0UL));
  EXPECT_EQ(counts(TextSubtitles::kMovText), std::pair(0UL, 1UL));
  EXPECT_EQ(counts(TextSubtitles::kBoth), std::pair(1UL, 1UL));
}

TEST_F(SideTracks, BitmapsAndOtherKindsAreReported) {
  facts_.side_tracks.subtitles = {track("eng", {}), track("fra", {}), track("", {})};
  facts_.side_tracks.subtitles[0].codec = "hdmv_pgs_subtitle";
  facts_.side_tracks.subtitles[0].is_text = false;
  facts_.side_tracks.subtitles[0].is_bitmap = true;
  facts_.side_tracks.subtitles[1].codec = "dvb_teletext";
  facts_.side_tracks.subtitles[1].is_text = false;
  EXPECT_THAT(planned().notes, ElementsAre("subtitle track 1 (hdmv_pgs_subtitle, eng) is not carried: its bitmaps are dropped",
                                           "subtitle track 2 (dvb_teletext, fra) is not carried: its kind is not read",
                                           "subtitle track 3 (subrip) has no text and is not carried"));
}

TEST_F(SideTracks, ChaptersRiseWithinTheClip) {
  facts_.side_tracks.chapters = {
      {3'000'000, "three"}, {-2'000'000, "before"}, {-500'000, "running"}, {4'000'000, "after"}, {1'000'400, "one"}};
  EXPECT_THAT(planned().renditions[0].file.side_tracks.chapters,
              ElementsAre(Chapter{0, "running"}, Chapter{1000, "one"}, Chapter{3000, "three"}));
  facts_.side_tracks.chapters = {{3'000'000, "three"}, {1'000'000, "one"}};
  EXPECT_THAT(planned().renditions[0].file.side_tracks.chapters,
              ElementsAre(Chapter{0, ""}, Chapter{1000, "one"}, Chapter{3000, "three"}));
}

TEST_F(SideTracks, TagsGoByTheProfile) {
  facts_.side_tracks.tags = {{"title", "A clip"}};
  facts_.side_tracks.tags_left_out = 2;
  facts_.side_tracks.created_unix_s = 1'600'000'000;
  facts_.side_tracks.location = "+48.8584+002.2945/";
  Plan plan = planned();
  EXPECT_EQ(plan.renditions[0].file.side_tracks.tags, facts_.side_tracks.tags);
  EXPECT_EQ(plan.renditions[0].file.side_tracks.created_unix_s, facts_.side_tracks.created_unix_s);
  EXPECT_EQ(plan.renditions[0].file.side_tracks.location, "");
  EXPECT_THAT(plan.notes, ElementsAre("the place of the recording is not carried", "2 tags are not carried"));
  profile_.metadata = {.keep = false, .location = true};
  plan = planned();
  EXPECT_THAT(plan.renditions[0].file.side_tracks.tags, IsEmpty());
  EXPECT_EQ(plan.renditions[0].file.side_tracks.created_unix_s, std::nullopt);
  EXPECT_EQ(plan.renditions[0].file.side_tracks.location, "+48.8584+002.2945/");
  EXPECT_THAT(plan.notes, ElementsAre("4 tags are not carried"));
}

TEST_F(SideTracks, TheCoverGoesWhereThereIsNoFrame) {
  facts_ = clip().frames(100).audio_after(0).facts();
  facts_.side_tracks.cover = Cover{true, 4, 4, "bytes"};
  Plan plan = planned();
  EXPECT_EQ(plan.renditions[0].file.side_tracks.cover, std::nullopt);
  EXPECT_THAT(plan.notes, Contains(HasSubstr("cover")));
  profile_ = test::audio_profile();
  plan = planned();
  EXPECT_EQ(plan.renditions[0].file.side_tracks.cover, std::nullopt);
  EXPECT_THAT(plan.notes, Contains(HasSubstr("cover: true")));
  profile_.metadata.cover = true;
  plan = planned();
  EXPECT_EQ(plan.renditions[0].file.side_tracks.cover, facts_.side_tracks.cover);
}

TEST_F(SideTracks, EveryFrameKnowsItsBitmapsWhateverTheSegment) {
  facts_.side_tracks.subtitles = {track("eng", {})};
  facts_.side_tracks.subtitles[0].is_text = false;
  facts_.side_tracks.subtitles[0].is_bitmap = true;
  const auto bitmap = [](std::int64_t start, std::int64_t end) {
    Bitmap made{start, end, 1920, 1080, {}};
    made.rects.push_back({0, 0, 1, 1, {0}, "\x01\x01"});
    return made;
  };
  // 25 frames a second; a microsecond of rounding either way does not matter.
  facts_.side_tracks.subtitles[0].bitmaps = {bitmap(400'001, 799'999), bitmap(799'999, 801'000), bitmap(3'900'000, 9'000'000)};
  const auto over = [&](std::uint32_t first, std::uint32_t end) {
    std::vector<std::uint32_t> frames;
    for (std::uint32_t i = first; i < end; ++i) frames.push_back(i);
    std::string seen(end - first, '.');
    for (const Overlay& overlay : overlays_of(facts_, frames)) {
      for (std::uint32_t i = overlay.first; i < overlay.end; ++i)
        seen[i] = static_cast<char>('0' + overlay.bitmap.start / 1'000'000);
    }
    return seen;
  };
  const std::string whole = over(0, 100);
  EXPECT_EQ(whole, std::string(10, '.') + "00000000000" + std::string(77, '.') + "33");
  EXPECT_EQ(over(0, 15) + over(15, 20) + over(20, 100), whole);
  EXPECT_THAT(planned().notes, ElementsAre("subtitle track 1 (subrip, eng) is burnt into the video"));
}

// Facts may come from a child that its source has taken over.
TEST_F(SideTracks, FactsThatAreNotCleanAreRefused) {
  const auto refused = [&](auto change) {
    SourceFacts facts = facts_;
    facts.side_tracks.subtitles = {track("eng", {cue(0, 1, "a")})};
    change(facts.side_tracks);
    const auto plan = make_plan(facts, profile_, "clip");
    return !plan && plan.error().kind == FaultKind::kInput;
  };
  EXPECT_FALSE(refused([](SideTrackFacts&) {}));
  EXPECT_TRUE(refused([](SideTrackFacts& b) { b.subtitles[0].language = "../../x"; }));
  EXPECT_TRUE(refused([](SideTrackFacts& b) { b.subtitles[0].cues[0].text = "a\n\n00:00 --> 00:01"; }));
  EXPECT_TRUE(refused([](SideTrackFacts& b) { b.subtitles[0].cues[0].start = INT64_MIN; }));
  EXPECT_TRUE(refused([](SideTrackFacts& b) { b.subtitles[0].cues[0].settings = "a\nb"; }));
  EXPECT_TRUE(refused([](SideTrackFacts& b) { b.subtitles[0].title = "a\nb"; }));
  EXPECT_TRUE(refused([](SideTrackFacts& b) { b.subtitles[0].bitmaps = {{0, 1, 0, 1080, {}}}; }));
  EXPECT_TRUE(refused([](SideTrackFacts& b) { b.subtitles[0].bitmaps = {{0, 1, 1920, 1080, {{0, 0, 5000, 1, {}, ""}}}}; }));
  EXPECT_TRUE(refused([](SideTrackFacts& b) { b.chapters.assign(kChaptersMax + 1, {}); }));
  EXPECT_TRUE(refused([](SideTrackFacts& b) { b.chapters = {{0, "\xff"}}; }));
  EXPECT_TRUE(refused([](SideTrackFacts& b) { b.tags["title"] = std::string(kTagBytesMax + 1, 'a'); }));
}

}  // namespace
}  // namespace gopmill
