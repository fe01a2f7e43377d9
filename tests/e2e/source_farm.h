#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/farm.h"

namespace gopmill::e2e {

// A clip, a quick profile, and what an undisturbed run makes of them.
class SourceFarm : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared_ = new Folder;
    make_source(*shared_, kSourceSeconds);
    quick_profile(*shared_);
  }
  static void TearDownTestSuite() {
    delete shared_;
    shared_ = nullptr;
  }
  static std::string clip() { return (*shared_ / "clip.mp4").string(); }
  static std::string profile() { return (*shared_ / "quick.yaml").string(); }

  // Submits the clip and waits for its renditions in `out`: a process for farm.finish().
  static pid_t submit_and_wait(Farm& farm, const Folder& out) {
    return farm.start({"submit", clip(), "-p", profile(), "-o", out.path().string(), "--wait"});
  }
  // sha256 of both renditions.
  static std::vector<std::string> renditions(const std::filesystem::path& folder) {
    return {sha256_of(folder / "clip_240p.mp4"), sha256_of(folder / "clip_144p.mp4")};
  }
  // Of one undisturbed run in one process tree; made once.
  static const std::vector<std::string>& undisturbed() {
    static const std::vector<std::string> hashes = [] {
      const Folder out;
      const Outcome run = gopmill({"run", clip(), "-p", profile(), "-o", out.path().string(), "--workers", "1"});
      EXPECT_EQ(run.exit, 0) << run.err;
      return renditions(out.path());
    }();
    return hashes;
  }
  static nlohmann::json json_of(const Outcome& outcome) { return nlohmann::json::parse(outcome.out, nullptr, false); }
  static std::uint64_t tasks_done(Farm& farm, const std::string& job) {
    const auto json = json_of(farm.ask({"job", job, "--json"}));
    return json.contains("tasks") ? json["tasks"].value("done", std::uint64_t{0}) : 0;
  }
  static std::size_t worker_count(Farm& farm) { return json_of(farm.ask({"workers", "--json"})).size(); }
  static bool busy(Farm& farm) {
    const auto json = json_of(farm.ask({"workers", "--json"}));
    const std::string text = json.dump();
    return text.find("\"busy\":1") != std::string::npos;
  }

  static constexpr int kSourceSeconds = 10;
  static inline Folder* shared_ = nullptr;
};

}  // namespace gopmill::e2e
