#include "base/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <vector>

namespace gopmill {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

// A folder of the test's own, removed with what is in it.
class FileTest : public testing::Test {
 protected:
  FileTest() {
    std::string name = (fs::temp_directory_path() / "gopmill-test-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~FileTest() override { fs::remove_all(folder_); }

  [[nodiscard]] fs::path at(std::string_view name) const { return folder_ / name; }
  void put(std::string_view name, std::string_view text) const { std::ofstream(at(name)) << text; }
  [[nodiscard]] std::string text_of(std::string_view name) const {
    auto text = read_file(at(name), 1000);
    return text ? *text : "(" + text.error().text + ")";
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_)) found.push_back(entry.path().filename().string());
    std::sort(found.begin(), found.end());
    return found;
  }

 private:
  fs::path folder_;
};

using OpenSource = FileTest;
using TemporaryFile = FileTest;
using AtomicFileTest = FileTest;

TEST(FdTest, ClosesWhatItOwnsOnce) {
  int raw = -1;
  {
    Fd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    raw = first.get();
    Fd second = std::move(first);
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): what a moved-from handle is, is the question
    EXPECT_EQ(second.get(), raw);
    EXPECT_NE(::fcntl(raw, F_GETFD), -1);
  }
  EXPECT_EQ(::fcntl(raw, F_GETFD), -1);
}

TEST(FdTest, AssignmentClosesTheOldOne) {
  Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int old = fd.get();
  fd = Fd(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(::fcntl(old, F_GETFD), -1);
  EXPECT_TRUE(fd);
}

TEST_F(OpenSource, GivesARegularFile) {
  put("clip", "bytes");
  const auto fd = open_source(at("clip"));
  ASSERT_TRUE(fd) << fd.error().text;
  EXPECT_EQ(*file_size(fd->get()), 5U);
  EXPECT_NE(::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(OpenSource, SaysWhatIsNotASource) {
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  const auto refusal = [](const fs::path& path) {
    const auto fd = open_source(path);
    return fd ? Fault{FaultKind::kInternal, "opened"} : fd.error();
  };
  EXPECT_EQ(refusal(at("gone")),
            (Fault{FaultKind::kNoInput, "cannot open " + at("gone").string() + ": No such file or directory"}));
  EXPECT_EQ(refusal(at("")), (Fault{FaultKind::kNoInput, at("").string() + " is a folder, not a file"}));
  EXPECT_EQ(refusal(at("pipe")), (Fault{FaultKind::kNoInput, at("pipe").string() + " is not a regular file"}));
  EXPECT_EQ(refusal("/dev/null"), (Fault{FaultKind::kNoInput, "/dev/null is not a regular file"}));
}

TEST_F(TemporaryFile, HasNoName) {
  const auto fd = temporary_file(at(""));
  ASSERT_TRUE(fd) << fd.error().text;
  EXPECT_THAT(names(), IsEmpty());
  ASSERT_TRUE(write_at(fd->get(), 3, bytes_of("abc")));
  EXPECT_EQ(*read_all(fd->get(), 10), std::string("\0\0\0abc", 6));
}

TEST_F(TemporaryFile, InAFolderThatIsNotThereIsAFault) {
  const auto fd = temporary_file(at("gone"));
  ASSERT_FALSE(fd);
  EXPECT_THAT(fd.error().text, HasSubstr(at("gone").string()));
}

TEST(MemoryFile, StandsAtItsBeginning) {
  const auto fd = memory_file(bytes_of("request"));
  ASSERT_TRUE(fd) << fd.error().text;
  char text[8] = {};
  EXPECT_EQ(::read(fd->get(), text, sizeof text), 7);
  EXPECT_STREQ(text, "request");
}

TEST(ReadAt, StopsAtTheEndOfTheFile) {
  const auto fd = memory_file(bytes_of("0123456789"));
  ASSERT_TRUE(fd);
  std::array<std::byte, 4> into{};
  EXPECT_EQ(*read_at(fd->get(), 2, into), 4U);
  EXPECT_EQ(into[0], std::byte{'2'});
  EXPECT_EQ(*read_at(fd->get(), 8, into), 2U);
  EXPECT_EQ(*read_at(fd->get(), 10, into), 0U);
}

TEST(WriteAt, AFullDiskIsTheMachinesFault) {
  const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full);
  const auto wrote = write_at(full.get(), 0, bytes_of("x"));
  ASSERT_FALSE(wrote);
  EXPECT_EQ(wrote.error(), (Fault{FaultKind::kMachine, "cannot write: No space left on device"}));
}

TEST_F(FileTest, ReadFileRefusesWhatIsTooLong) {
  put("profile", "0123456789");
  EXPECT_EQ(*read_file(at("profile"), 10), "0123456789");
  const auto refused = read_file(at("profile"), 9);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), (Fault{FaultKind::kInput, at("profile").string() + ": 10 bytes, more than the 9 allowed"}));
}

TEST_F(AtomicFileTest, AppearsWholeWhenFinished) {
  {
    auto file = AtomicFile::create(at("out.mp4"), false);
    ASSERT_TRUE(file) << file.error().text;
    ASSERT_TRUE(write_at(file->fd(), 0, bytes_of("movie")));
    EXPECT_THAT(names(), ElementsAre(".out.mp4.part"));
    const auto finished = file->finish();
    ASSERT_TRUE(finished) << finished.error().text;
  }
  EXPECT_THAT(names(), ElementsAre("out.mp4"));
  EXPECT_EQ(text_of("out.mp4"), "movie");
}

TEST_F(AtomicFileTest, LeavesNothingWhenNotFinished) {
  {
    auto file = AtomicFile::create(at("out.mp4"), false);
    ASSERT_TRUE(file);
    ASSERT_TRUE(write_at(file->fd(), 0, bytes_of("half")));
    const AtomicFile moved = std::move(*file);
    EXPECT_THAT(names(), ElementsAre(".out.mp4.part"));
  }
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(AtomicFileTest, NeverOverwritesUnlessAskedTo) {
  put("out.mp4", "mine");
  const auto refused = AtomicFile::create(at("out.mp4"), false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), (Fault{FaultKind::kCannotCreate, at("out.mp4").string() + " exists already"}));
  EXPECT_THAT(names(), ElementsAre("out.mp4"));

  auto file = AtomicFile::create(at("out.mp4"), true);
  ASSERT_TRUE(file);
  EXPECT_EQ(text_of("out.mp4"), "mine") << "until it is finished";
  ASSERT_TRUE(write_at(file->fd(), 0, bytes_of("new")));
  ASSERT_TRUE(file->finish());
  EXPECT_EQ(text_of("out.mp4"), "new");
}

TEST_F(AtomicFileTest, DoesNotOverwriteWhatAppearedMeanwhile) {
  auto file = AtomicFile::create(at("out.mp4"), false);
  ASSERT_TRUE(file);
  put("out.mp4", "somebody else's");
  const auto finished = file->finish();
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().kind, FaultKind::kCannotCreate);
  EXPECT_EQ(text_of("out.mp4"), "somebody else's");
}

TEST_F(AtomicFileTest, DoesNotFollowALinkLeftInItsPlace) {
  put("victim", "precious");
  fs::create_symlink(at("victim"), at(".out.mp4.part"));
  EXPECT_FALSE(AtomicFile::create(at("out.mp4"), false));
  EXPECT_EQ(text_of("victim"), "precious");
}

TEST_F(AtomicFileTest, ADanglingLinkCountsAsThere) {
  fs::create_symlink(at("nowhere"), at("out.mp4"));
  EXPECT_FALSE(AtomicFile::create(at("out.mp4"), false));
}

TEST_F(AtomicFileTest, AFolderThatIsNotThereCannotBeCreatedIn) {
  const auto file = AtomicFile::create(at("gone") / "out.mp4", false);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().kind, FaultKind::kCannotCreate);
  EXPECT_THAT(file.error().text, HasSubstr("No such file or directory"));
}

TEST_F(AtomicFileTest, KeepsItsPromiseInTheCurrentFolder) {
  const fs::path before = fs::current_path();
  fs::current_path(at(""));
  auto file = AtomicFile::create("plain.txt", false);
  const bool finished = file && file->finish();
  fs::current_path(before);
  EXPECT_TRUE(finished);
  EXPECT_THAT(names(), ElementsAre("plain.txt"));
}

}  // namespace
}  // namespace gopmill
