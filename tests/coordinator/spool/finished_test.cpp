#include "coordinator/spool/finished.h"

#include <gmock/gmock.h>

#include "base/archive.h"

namespace gopmill {

// As gopmill wrote it before files had kinds.
struct OldFile {
  std::string name, sha256;
  std::uint64_t bytes = 0, hash = 0;
};
template <class A>
void fields(A& a, OldFile& v) {
  a(v.name, v.sha256, v.bytes, v.hash);
}
struct OldFinished {
  std::int64_t media_ms = 0;
  std::vector<std::string> renditions;  // empty here: what a rendition is has not changed
  std::vector<OldFile> files;
  std::vector<std::string> notes;
};
template <class A>
void fields(A& a, OldFinished& v) {
  a(v.media_ms, v.renditions, v.files, v.notes);
}

namespace {

TEST(Finished, ComesBackAsItWas) {
  const Finished finished{
      Duration(4000),
      {{"1080p", 0, 100}},
      {{OutputKind::kRendition, "a_1080p.mp4", "ab", {3, 4}}, {OutputKind::kReport, "report.json", "cd", {5, 6}}},
      {"a note"}};
  const auto back = decode_finished(encode_finished(finished));
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(back->media, finished.media);
  EXPECT_EQ(back->renditions, finished.renditions);
  EXPECT_EQ(back->files, finished.files);
  EXPECT_EQ(back->notes, finished.notes);
}

TEST(Finished, OfAnOlderGopmillTellsKindsByName) {
  OldFinished old{4000, {}, {{"a_1080p.mp4", "ab", 3, 4}, {"a.eng.vtt", "ef", 7, 8}, {"report.json", "cd", 5, 6}}, {"a note"}};
  const auto back = decode_finished(encode(old));
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(back->files, (std::vector<wire::ResultFile>{{OutputKind::kRendition, "a_1080p.mp4", "ab", {3, 4}},
                                                        {OutputKind::kSubtitles, "a.eng.vtt", "ef", {7, 8}},
                                                        {OutputKind::kReport, "report.json", "cd", {5, 6}}}));
  EXPECT_EQ(back->notes, old.notes);
}

TEST(Finished, NonsenseIsNotBelieved) { EXPECT_FALSE(decode_finished("nonsense")); }

}  // namespace
}  // namespace gopmill
