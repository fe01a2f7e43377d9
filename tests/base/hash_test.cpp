#include "base/hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/file.h"

namespace gopmill {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

// A text longer than the pieces files are read in.
std::string long_text() {
  std::string text;
  for (int i = 0; text.size() < (5U << 20) / 2; ++i) text += std::to_string(i);
  return text;
}

TEST(Sha256, KnowsThePublishedVectors) {
  // FIPS 180-2, appendix B.
  EXPECT_EQ(sha256_hex({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex(bytes_of("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(bytes_of(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(ChunkHash, IsXxh3WithoutASeed) { EXPECT_EQ(chunk_hash({}), 0x2d06800538d394c2ULL); }

TEST(ChunkHash, SeesOneFlippedBit) {
  std::string text = long_text();
  const auto before = chunk_hash(bytes_of(text));
  text[text.size() / 2] ^= 1;
  EXPECT_NE(chunk_hash(bytes_of(text)), before);
}

TEST(ArtifactHash, DoesNotDependOnThePieces) {
  const std::string text = long_text();
  for (const std::size_t piece : {std::size_t{1000}, std::size_t{65'536}, text.size()}) {
    ArtifactHash hash;
    for (std::size_t at = 0; at < text.size(); at += piece)
      hash.update(bytes_of(text).subspan(at, std::min(piece, text.size() - at)));
    EXPECT_EQ(hash.digest(), chunk_hash(bytes_of(text))) << piece;
  }
}

TEST(ArtifactHash, GoesOnAfterAMove) {
  ArtifactHash first;
  first.update(bytes_of("ab"));
  ArtifactHash second = std::move(first);
  second.update(bytes_of("c"));
  EXPECT_EQ(second.digest(), chunk_hash(bytes_of("abc")));
}

TEST(FileHash, IsTheHashOfItsBytes) {
  for (const std::string& text : {std::string(), std::string("abc"), long_text()}) {
    const auto file = memory_file(bytes_of(text));
    ASSERT_TRUE(file) << file.error().text;
    EXPECT_EQ(*file_hash(file->get()), chunk_hash(bytes_of(text)));
    EXPECT_EQ(*file_sha256(file->get()), sha256_hex(bytes_of(text)));
  }
}

TEST(FileHash, OfNoFileIsAFault) {
  EXPECT_FALSE(file_hash(-1));
  EXPECT_FALSE(file_sha256(-1));
}

}  // namespace
}  // namespace gopmill
