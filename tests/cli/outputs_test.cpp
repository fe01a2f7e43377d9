#include "cli/client/outputs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace gopmill {
namespace {

// A folder that goes with the test.
class OutputsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/outputs-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void touch(const std::string& name) { std::ofstream(folder_ / name) << "x"; }
  std::filesystem::path folder_;
};

TEST_F(OutputsTest, BaseIsTheStemMadeFitForAFileName) {
  EXPECT_EQ(output_base("a/b/holiday.mov"), "holiday");
  EXPECT_EQ(output_base("two.dots.mkv"), "two.dots");
  EXPECT_EQ(output_base("no extension"), "no extension");
  EXPECT_EQ(output_base(".hidden"), ".hidden");
  EXPECT_EQ(output_base("naïve 日本.mp4"), "naïve 日本");
  EXPECT_EQ(output_base("bell\x07 del\x7f c1\xc2\x85.mp4"), "bell_ del_ c1_");
  EXPECT_EQ(output_base("latin\xe9.mp4"), "latin_");
  EXPECT_EQ(output_base("..."), "_") << "its stem is \"..\", which names a folder";
}

TEST_F(OutputsTest, BaseIsCutBetweenCharacters) {
  std::string name = "x";
  for (int i = 0; i < 100; ++i) name += "ä";
  EXPECT_EQ(output_base(name + ".mp4"), name.substr(0, 199)) << "201 bytes: the last character does not fit whole";
}

TEST_F(OutputsTest, OneSourceGoesIntoTheFolderSeveralIntoOneEach) {
  const auto one = place_outputs({"a/clip.mp4"}, folder_);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->front().folder, folder_);
  const auto two = place_outputs({"a/clip.mp4", "b/talk.mp4"}, folder_ / "");
  ASSERT_TRUE(two);
  EXPECT_EQ((*two)[0].folder, folder_ / "clip");
  EXPECT_EQ((*two)[1].folder, folder_ / "talk");
}

TEST_F(OutputsTest, TwoSourcesOfOneBaseAreRefused) {
  const auto places = place_outputs({"a/clip.mp4", "b/clip.mkv"}, folder_);
  ASSERT_FALSE(places);
  EXPECT_EQ(places.error().kind, FaultKind::kUsage);
}

TEST_F(OutputsTest, NamesWhatIsInTheWay) {
  Profile profile;
  profile.renditions.resize(1);
  profile.renditions.front().name = "720p";
  const OutputPlace place{folder_, "clip"};
  EXPECT_TRUE(check_free(place, profile));
  touch("other_720p.mp4");
  EXPECT_TRUE(check_free(place, profile));
  touch("clip_720p.mp4");
  const auto taken = check_free(place, profile);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().kind, FaultKind::kCannotCreate);
  EXPECT_NE(taken.error().text.find("clip_720p.mp4 exists already"), std::string::npos) << taken.error().text;
}

TEST_F(OutputsTest, FolderThatStaysEmptyIsRemovedWithItsParents) {
  {
    const auto opened = OutputFolder::open(folder_ / "a" / "b");
    EXPECT_TRUE(opened);
    EXPECT_TRUE(std::filesystem::exists(folder_ / "a" / "b"));
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a"));
}

TEST_F(OutputsTest, FolderWithSomethingInItStays) {
  {
    const auto opened = OutputFolder::open(folder_ / "a" / "b");
    EXPECT_TRUE(opened);
    touch("a/b/file");
  }
  EXPECT_TRUE(std::filesystem::exists(folder_ / "a" / "b" / "file"));
}

TEST_F(OutputsTest, FileWhereTheFolderShouldBeIsRefused) {
  touch("file");
  for (const auto& wanted : {folder_ / "file", folder_ / "file" / "below"}) {
    const auto opened = OutputFolder::open(wanted);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, FaultKind::kCannotCreate) << opened.error().text;
  }
}

}  // namespace
}  // namespace gopmill
