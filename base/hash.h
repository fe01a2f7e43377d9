#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace gopmill {

// XXH3-64: guards chunks and artifacts against flipped bits, not against an adversary.
std::uint64_t chunk_hash(std::span<const std::byte> bytes);

// A running XXH3-64 over a whole artifact.
class ArtifactHash {
 public:
  ArtifactHash();
  ArtifactHash(ArtifactHash&&) noexcept;
  ArtifactHash& operator=(ArtifactHash&&) noexcept;
  ~ArtifactHash();
  void update(std::span<const std::byte> bytes);
  [[nodiscard]] std::uint64_t digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// XXH3-64 of a whole file, read in 1 MiB pieces.
Result<std::uint64_t> file_hash(int fd);

// Lower-case hexadecimal SHA-256.
std::string sha256_hex(std::span<const std::byte> bytes);
Result<std::string> file_sha256(int fd);

}  // namespace gopmill
