#include "media/task/journal.h"

#include <gmock/gmock.h>

#include "base/file.h"

namespace gopmill {
namespace {

class JournalTest : public testing::Test {
 protected:
  void SetUp() override { file_ = std::move(*temporary_file()); }

  void write(const std::vector<JournalPacket>& packets, bool sealed = true) {
    JournalWriter writer(file_.get(), 0);
    StreamParameters parameters;
    parameters.media = Media::kVideo;
    parameters.codec = "h264";
    parameters.extradata = "sets";
    parameters.base = {1, 12'800};
    ASSERT_TRUE(writer.begin(parameters));
    for (const JournalPacket& packet : packets) ASSERT_TRUE(writer.append(packet));
    if (sealed) {
      ASSERT_TRUE(writer.finish());
    }
  }
  void flip_byte(std::uint64_t at) {
    std::byte value{};
    ASSERT_TRUE(read_at(file_.get(), at, {&value, 1}));
    value ^= std::byte{1};
    ASSERT_TRUE(write_at(file_.get(), at, {&value, 1}));
  }
  // The ordinals read, or the fault's text.
  std::string read() {
    auto reader = JournalReader::open(file_.get(), 0);
    if (!reader) return reader.error().text;
    std::string seen = reader->parameters().codec + ":";
    for (;;) {
      auto packet = reader->next();
      if (!packet) return packet.error().text;
      if (!*packet) return seen;
      seen +=
          " " + std::to_string((*packet)->ordinal) + "/" + std::to_string((*packet)->bytes.size()) + ((*packet)->key ? "k" : "");
    }
  }
  static JournalPacket packet(std::uint32_t ordinal, std::size_t size, bool key = false) {
    JournalPacket packet;
    packet.ordinal = ordinal;
    packet.pts = ordinal;
    packet.key = key;
    packet.bytes.assign(size, static_cast<char>(ordinal));
    return packet;
  }

  Fd file_;
};

TEST_F(JournalTest, GivesBackWhatWasWritten) {
  write({packet(7, 3, true), packet(8, 700'000), packet(9, 0)});
  EXPECT_EQ(read(), "h264: 7/3k 8/700000 9/0");
}

TEST_F(JournalTest, KeepsSideDataAndMissingTimes) {
  JournalPacket odd = packet(1, 2);
  odd.pts = INT64_MIN;
  odd.side_data = {{11, "skip"}, {3, ""}};
  write({odd});
  auto reader = JournalReader::open(file_.get(), 0);
  ASSERT_TRUE(reader);
  const auto back = reader->next();
  ASSERT_TRUE(back && *back);
  EXPECT_EQ((*back)->pts, INT64_MIN);
  ASSERT_EQ((*back)->side_data.size(), 2U);
  EXPECT_EQ((*back)->side_data[0].type, 11U);
  EXPECT_EQ((*back)->side_data[0].bytes, "skip");
}

TEST_F(JournalTest, WithoutItsSealItIsRefused) {
  write({packet(0, 10), packet(1, 300'000)}, false);
  EXPECT_THAT(read(), testing::HasSubstr("ends early"));
}

TEST_F(JournalTest, EveryFlippedBitIsFound) {
  write({packet(0, 20, true), packet(1, 20)});
  const auto size = file_size(file_.get());
  ASSERT_TRUE(size);
  const std::string good = read();
  for (std::uint64_t at = 0; at < *size; ++at) {
    flip_byte(at);
    EXPECT_NE(read(), good) << "byte " << at;
    flip_byte(at);
  }
  EXPECT_EQ(read(), good);
}

TEST_F(JournalTest, ATaskHeadIsFoundAgainAndItsJournalBehindIt) {
  const auto offset = write_task_head(file_.get(), "request");
  ASSERT_TRUE(offset);
  JournalWriter writer(file_.get(), *offset);
  ASSERT_TRUE(writer.begin({}));
  ASSERT_TRUE(writer.finish());
  const auto head = read_task_head(file_.get());
  ASSERT_TRUE(head);
  EXPECT_EQ(head->request, "request");
  EXPECT_TRUE(JournalReader::open(file_.get(), head->journal_offset));
}

TEST_F(JournalTest, SomethingElseIsNoTaskHead) {
  ASSERT_TRUE(write_at(file_.get(), 0, std::as_bytes(std::span("not a task input at all"))));
  EXPECT_FALSE(read_task_head(file_.get()));
}

}  // namespace
}  // namespace gopmill
