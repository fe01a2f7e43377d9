#include <gtest/gtest.h>

#include <string>

#include "media/encoder/encoder_facts.h"
#include "media/steps/encoder_check.h"

namespace gopmill {
namespace {

RenditionProfile rendition_of(VideoCodec codec) {
  RenditionProfile rendition;
  rendition.codec = codec;
  rendition.rate.quality = 30;
  rendition.codec_profile = "auto";
  rendition.level = "auto";
  rendition.preset = facts_of(encoder_for(codec)).measuring_preset;
  return rendition;
}

// "key: text, rather nearest"; empty where nothing is wrong.
std::string complaint_about(const RenditionProfile& rendition) {
  const auto complaint = encoder_check()(rendition);
  if (!complaint) return "";
  return complaint->key + ": " + complaint->why + (complaint->nearest.empty() ? "" : ", rather " + complaint->nearest);
}

std::string complaint_about(VideoCodec codec, const std::string& option, const std::string& value) {
  RenditionProfile rendition = rendition_of(codec);
  rendition.encoder_options[option] = value;
  return complaint_about(rendition);
}

TEST(EncoderComplaint, ThereIsNoneAboutWhatIsPlain) {
  for (const EncoderFacts* facts : all_encoders()) EXPECT_EQ(complaint_about(rendition_of(facts->codec)), "") << facts->name;
  EXPECT_EQ(complaint_about(VideoCodec::kH264, "x264-params", "bframes=2:no-mbtree=1"), "");
  EXPECT_EQ(complaint_about(VideoCodec::kHevc, "x265-params", "aq-mode=2"), "");
  EXPECT_EQ(complaint_about(VideoCodec::kAv1, "svtav1-params", "enable-tf=0"), "");
  EXPECT_EQ(complaint_about(VideoCodec::kVp9, "lag-in-frames", "20"), "");
}

TEST(EncoderComplaint, NamesAnOptionThatNobodyTakes) {
  EXPECT_EQ(complaint_about(VideoCodec::kH264, "tuen", "film"), "tuen: libx264 has no such option, rather tune");
  EXPECT_EQ(complaint_about(VideoCodec::kVp9, "tune-kontent", "film"),
            "tune-kontent: libvpx-vp9 has no such option, rather tune-content");
}

TEST(EncoderComplaint, NamesAPresetThatThereIsNot) {
  RenditionProfile rendition = rendition_of(VideoCodec::kH264);
  rendition.preset = "fsat";
  EXPECT_EQ(complaint_about(rendition), "preset: libx264 has no preset 'fsat', rather fast");
  rendition = rendition_of(VideoCodec::kVp9);
  rendition.preset = "99";
  EXPECT_EQ(complaint_about(rendition), "preset: libvpx-vp9: Error setting option cpu-used to value 99");
}

TEST(EncoderComplaint, NamesWhatIsWrongInAnEncodersOwnList) {
  EXPECT_EQ(complaint_about(VideoCodec::kH264, "x264-params", "nonsense=1"),
            "x264-params: libx264: Error parsing option 'nonsense = 1'");
  EXPECT_EQ(complaint_about(VideoCodec::kHevc, "x265-params", "nonsense=1"), "x265-params: libx265: Unknown option: nonsense");
  EXPECT_EQ(complaint_about(VideoCodec::kHevc, "x265-params", "aq-mode=abc"),
            "x265-params: libx265: Invalid value for aq-mode: abc");
  EXPECT_EQ(complaint_about(VideoCodec::kAv1, "svtav1-params", "nonsense=1"),
            "svtav1-params: libsvtav1: Error parsing option nonsense: 1");
}

TEST(EncoderComplaint, BlamesTheListAlsoWhereProfileAndLevelAreGiven) {
  RenditionProfile rendition = rendition_of(VideoCodec::kHevc);
  rendition.codec_profile = "main";
  rendition.level = "4.0";
  rendition.encoder_options = {{"tune", "ssim"}, {"x265-params", "aq-mode=abc"}};
  EXPECT_EQ(complaint_about(rendition), "x265-params: libx265: Invalid value for aq-mode: abc");
}

// Also those of another encoder, whether the list is for this one or not.
TEST(EncoderComplaint, RefusesReservedWordsInEveryList) {
  for (const EncoderFacts* owner : all_encoders()) {
    for (const std::string_view word : owner->reserved_words) {
      for (const EncoderFacts* facts : all_encoders()) {
        if (facts->own_list.empty()) continue;
        const std::string list(facts->own_list);
        const std::string refused = list + ": '" + std::string(word) + "' is set by gopmill itself, for joins and equal bytes";
        EXPECT_EQ(complaint_about(VideoCodec::kVp9, list, "a=1:" + std::string(word) + "=1"), refused);
        EXPECT_EQ(complaint_about(facts->codec, list, std::string(word) + ":b=2"), refused);
      }
    }
  }
}

// A word that is part of another, or a value.
TEST(EncoderComplaint, LetsPassWhatOnlyLooksReserved) {
  EXPECT_EQ(complaint_about(VideoCodec::kVp9, "x264-params", "threads2=1:a=keyint"), "");
}

}  // namespace
}  // namespace gopmill
