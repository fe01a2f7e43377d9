#include "base/hash.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/file.h"

namespace gopmill {

namespace {

constexpr std::size_t kPieceBytes = 1 << 20;

// Feeds a whole file to `take` in pieces.
template <class Take>
Result<> for_each_piece(int fd, Take take) {
  std::vector<std::byte> piece(kPieceBytes);
  for (std::uint64_t offset = 0;;) {
    const std::size_t got = TRY(read_at(fd, offset, piece));
    if (got == 0) return {};
    take(std::span<const std::byte>(piece.data(), got));
    offset += got;
  }
}

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) { GOPMILL_CHECK(context_ && EVP_DigestInit_ex(context_, EVP_sha256(), nullptr) == 1); }
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  ~Sha256() { EVP_MD_CTX_free(context_); }
  void update(std::span<const std::byte> bytes) { GOPMILL_CHECK(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1); }
  std::string finish() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    GOPMILL_CHECK(EVP_DigestFinal_ex(context_, digest, &size) == 1);
    return hex({reinterpret_cast<const char*>(digest), size});
  }

 private:
  EVP_MD_CTX* context_;
};

}  // namespace

std::uint64_t chunk_hash(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

struct ArtifactHash::State {
  XXH3_state_t* xxh = XXH3_createState();
  State() { XXH3_64bits_reset(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { XXH3_freeState(xxh); }
};

ArtifactHash::ArtifactHash() : state_(std::make_unique<State>()) {}
ArtifactHash::ArtifactHash(ArtifactHash&&) noexcept = default;
ArtifactHash& ArtifactHash::operator=(ArtifactHash&&) noexcept = default;
ArtifactHash::~ArtifactHash() = default;
void ArtifactHash::update(std::span<const std::byte> bytes) { XXH3_64bits_update(state_->xxh, bytes.data(), bytes.size()); }
std::uint64_t ArtifactHash::digest() const { return XXH3_64bits_digest(state_->xxh); }

Result<std::uint64_t> file_hash(int fd) {
  ArtifactHash hash;
  TRY(for_each_piece(fd, [&](std::span<const std::byte> piece) { hash.update(piece); }));
  return hash.digest();
}

std::string sha256_hex(std::span<const std::byte> bytes) {
  Sha256 sha;
  sha.update(bytes);
  return sha.finish();
}

Result<std::string> file_sha256(int fd) {
  Sha256 sha;
  TRY(for_each_piece(fd, [&](std::span<const std::byte> piece) { sha.update(piece); }));
  return sha.finish();
}

}  // namespace gopmill
