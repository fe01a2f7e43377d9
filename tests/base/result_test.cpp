#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

namespace gopmill {
namespace {

constexpr FaultKind kAllKinds[] = {FaultKind::kInput,        FaultKind::kNoInput, FaultKind::kConfig,    FaultKind::kUsage,
                                   FaultKind::kMachine,      FaultKind::kPoison,  FaultKind::kCancelled, FaultKind::kUnavailable,
                                   FaultKind::kCannotCreate, FaultKind::kInternal};

Result<int> number(bool good) {
  if (!good) return fail(FaultKind::kInput, "no number");
  return 20;
}

Result<> nothing(bool good) {
  if (!good) return fail(FaultKind::kMachine, "no luck");
  return {};
}

TEST(Try, UnwrapsInsideAnExpression) {
  const auto sum = []() -> Result<int> { return TRY(number(true)) + TRY(number(true)) + 2; }();
  ASSERT_TRUE(sum);
  EXPECT_EQ(*sum, 42);
}

TEST(Try, ReturnsTheFirstFaultAndStopsThere) {
  bool went_on = false;
  const auto result = [&]() -> Result<std::string> {
    const int value = TRY(number(false));
    went_on = true;
    return std::to_string(value);
  }();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), (Fault{FaultKind::kInput, "no number"}));
  EXPECT_FALSE(went_on);
}

TEST(Try, TakesResultsWithoutAValue) {
  const auto run = [](bool good) -> Result<int> {
    TRY(nothing(good));
    return 1;
  };
  EXPECT_TRUE(run(true));
  ASSERT_FALSE(run(false));
  EXPECT_EQ(run(false).error(), (Fault{FaultKind::kMachine, "no luck"}));
}

TEST(Try, MovesWhatCannotBeCopied) {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(7); };
  const auto run = [&]() -> Result<std::unique_ptr<int>> {
    auto owned = TRY(make());
    ++*owned;
    return owned;
  };
  const auto result = run();
  ASSERT_TRUE(result);
  EXPECT_EQ(**result, 8);
}

TEST(Try, ChangesOneResultIntoAnother) {
  const auto run = []() -> Result<std::string> { return std::string(static_cast<std::size_t>(TRY(number(true))), 'x'); };
  const auto result = run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->size(), 20U);
}

TEST(Fault, SaysWhereItHappened) {
  EXPECT_EQ((Fault{FaultKind::kInput, "bad box"}.within("clip.mp4").within("job 3")),
            (Fault{FaultKind::kInput, "job 3: clip.mp4: bad box"}));
}

TEST(Fault, ExitCodesArePromisesToScripts) {
  EXPECT_EQ(exit_code(FaultKind::kInput), 65);
  EXPECT_EQ(exit_code(FaultKind::kNoInput), 66);
  EXPECT_EQ(exit_code(FaultKind::kConfig), 78);
  EXPECT_EQ(exit_code(FaultKind::kUsage), 2);
  EXPECT_EQ(exit_code(FaultKind::kUnavailable), 69);
  EXPECT_EQ(exit_code(FaultKind::kCannotCreate), 73);
  for (const FaultKind kind : {FaultKind::kMachine, FaultKind::kPoison, FaultKind::kCancelled, FaultKind::kInternal}) {
    EXPECT_EQ(exit_code(kind), 1) << fault_word(kind);
  }
}

TEST(Fault, EveryKindHasAWordOfItsOwn) {
  std::set<std::string_view> words;
  for (const FaultKind kind : kAllKinds) words.insert(fault_word(kind));
  EXPECT_EQ(words.size(), std::size(kAllKinds));
}

}  // namespace
}  // namespace gopmill
