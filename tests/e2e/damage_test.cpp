#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/e2e/farm.h"
#include "tests/support/clips.h"
#include "tests/support/damage.h"

// Damaged and hostile files through the whole farm: what is refused leaves nothing behind, what is salvaged says what it lost.

namespace gopmill::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kExitInput = 65;

void put(const std::filesystem::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

// Six seconds whose 101st frame does not decode.
std::filesystem::path broken_source(const Folder& folder) {
  const Fd clip = test::make_clip({.frame = test::ClipVideo{.width = 320, .height = 180, .frames = 150, .b_frames = 0},
                                   .audio = test::ClipAudio{.seconds = 6},
                                   .container = "matroska"});
  put(folder / "broken.mkv", test::bytes_of(test::with_broken_packet(clip, Media::kVideo, 100)));
  return folder / "broken.mkv";
}

TEST(DamagedSource, IsRefusedWithThePlaceAndTheWayOut) {
  const Folder folder;
  const auto clip = broken_source(folder);
  const auto out = folder / "out";
  const Outcome outcome = gopmill({"run", clip.string(), "-p", "preview", "-o", out.string(), "--workers", "2"});
  EXPECT_EQ(outcome.exit, kExitInput);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr(" from 4.0"), HasSubstr("cannot be decoded"), HasSubstr("--salvage")));
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST(DamagedSource, IsSalvagedOnRequestAndTheLossListed) {
  const Folder folder;
  const auto clip = broken_source(folder);
  const auto out = folder / "out";
  const Outcome outcome = gopmill({"run", clip.string(), "-p", "preview", "-o", out.string(), "--workers", "2", "--salvage"});
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  std::ifstream file(out / "report.json");
  const auto report = nlohmann::json::parse(file);
  EXPECT_EQ(report["renditions"][0]["frames"].get<int>(), 150 - report["losses"][0]["count"].get<int>());
  ASSERT_FALSE(report["losses"].empty());
  EXPECT_EQ(report["losses"][0]["what"], "frames missing");
  EXPECT_GE(report["losses"][0]["count"].get<int>(), 1);
  EXPECT_LE(report["losses"][0]["count"].get<int>(), 25) << "not beyond the next key frame";
  EXPECT_NEAR(report["losses"][0]["from_s"].get<double>(), 4.0, 0.05);
}

TEST(HostileSource, NamesAreNamesOfFilesAndNothingElse) {
  const Folder folder;
  const std::string clip = test::bytes_of(test::make_clip({.frame = test::ClipVideo{.width = 320, .height = 180, .frames = 50}}));
  put(folder / "a.mp4", clip);
  for (const std::string name : {"concat:a.mp4|a.mp4", "subfile,,start,0,end,9,,:a.mp4", "x-%03d.mp4", "file:a.mp4", "-i.mp4"}) {
    const auto out = folder / "out";
    const Outcome absent = gopmill({"run", "-p", "preview", "-o", out.string(), "--", (folder / name).string()});
    EXPECT_EQ(absent.exit, 66) << name << ": " << absent.err;
    put(folder / name, clip);
    const Outcome there = gopmill({"run", "-p", "preview", "-o", out.string(), "--workers", "1", "--", (folder / name).string()});
    EXPECT_EQ(there.exit, 0) << name << ": " << there.err;
    std::filesystem::remove_all(out);
  }
}

TEST(HostileSource, APlaylistOpensNothing) {
  const Folder folder;
  put(folder / "secret.ts", test::bytes_of(test::make_clip({.frame = test::ClipVideo{.frames = 25}, .container = "mpegts"})));
  put(folder / "list.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.ts\n#EXT-X-ENDLIST\n");
  put(folder / "script.mkv", "ffconcat version 1.0\nfile 'secret.ts'\n");
  for (const char* name : {"list.mp4", "script.mkv"}) {
    const auto out = folder / "out";
    const Outcome outcome = gopmill({"run", (folder / name).string(), "-p", "preview", "-o", out.string(), "--salvage"});
    EXPECT_EQ(outcome.exit, kExitInput);
    EXPECT_THAT(outcome.err, HasSubstr("not a media file"));
    EXPECT_FALSE(std::filesystem::exists(out));
  }
}

}  // namespace
}  // namespace gopmill::e2e
