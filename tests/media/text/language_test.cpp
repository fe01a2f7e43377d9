#include "media/text/language.h"

#include <gtest/gtest.h>

namespace gopmill {
namespace {

TEST(Language, HasOneCodeOfThreeLetters) {
  EXPECT_EQ(iso639_2("de"), "deu");
  EXPECT_EQ(iso639_2("ger"), "deu");
  EXPECT_EQ(iso639_2("de-at"), "deu");
  EXPECT_EQ(iso639_2("aa"), "aar");
  EXPECT_EQ(iso639_2("zu"), "zul");
  EXPECT_EQ(iso639_2("wel"), "cym");
  EXPECT_EQ(iso639_2("mul"), "mul");
  for (const char* none : {"", "und", "x", "qq", "english", "12", "d1"}) EXPECT_EQ(iso639_2(none), "") << none;
}

TEST(Language, IsFoundByEitherCode) {
  EXPECT_TRUE(language_matches("pt-br", "pt"));
  EXPECT_TRUE(language_matches("por", "pt"));
  EXPECT_TRUE(language_matches("pt-br", "pt-br"));
  EXPECT_FALSE(language_matches("por", "pt-br"));
  EXPECT_FALSE(language_matches("", "eng"));
  EXPECT_FALSE(language_matches("fra", "eng"));
}

}  // namespace
}  // namespace gopmill
