#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/scenarios/script.h"

// Each scripts/*.txt is a scenario: blocks of commands, a line "----", and what the scheduler recorded and did,
// up to an empty line. With GOPMILL_REWRITE=1 the outputs are written anew: read the diff, keep what you understand.

namespace gopmill::test {
namespace {

std::string replay(std::istream& file) {
  Script script;
  std::string played, pending;
  std::vector<std::string> commands;
  bool skipping = false;  // the recorded output of the block before
  for (std::string line; std::getline(file, line);) {
    if (skipping) {
      if (!line.empty()) continue;
      skipping = false;
      played += "\n";
    } else if (line == "----") {
      played += line + "\n";
      for (const std::string& command : commands) played += script.run(command);
      commands.clear();
      skipping = true;
    } else {
      if (!line.empty() && line.front() != '#') commands.push_back(line);
      played += line + "\n";
    }
  }
  return played;
}

class Scenario : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(Scenario, PlaysAsRecorded) {
  std::ifstream file(GetParam());
  ASSERT_TRUE(file) << GetParam();
  std::stringstream recorded;
  recorded << file.rdbuf();
  const std::string played = replay(recorded);
  EXPECT_EQ(played.find("BROKEN"), std::string::npos) << played;
  EXPECT_EQ(played.find("no such command"), std::string::npos) << played;
  if (std::getenv("GOPMILL_REWRITE") != nullptr) {
    std::ofstream(GetParam()) << played;
  } else {
    EXPECT_EQ(played, recorded.str()) << "run with GOPMILL_REWRITE=1 and read the diff";
  }
}

std::vector<std::filesystem::path> scripts() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(GOPMILL_SOURCE_DIR "/tests/scenarios/scripts")) {
    if (entry.path().extension() == ".txt") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string name_of(const ::testing::TestParamInfo<std::filesystem::path>& info) {
  std::string name = info.param.stem().string();
  std::replace_if(name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Scripts, Scenario, ::testing::ValuesIn(scripts()), name_of);

}  // namespace
}  // namespace gopmill::test
