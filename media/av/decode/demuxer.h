#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "media/av/decode/claims.h"
#include "media/av/hdr.h"
#include "media/task/journal.h"
#include "media/task/timeline.h"

namespace gopmill::av {

struct StreamFacts {
  std::uint32_t index = 0;
  StreamParameters parameters;
  Orientation orientation;  // from the display matrix
  HdrFacts hdr;
  bool has_alpha = false;  // beside the frames, where no decoder of ours looks (WebM's AlphaMode)
  bool is_default = false;
  bool is_still_image = false;  // cover art, thumbnails
  std::string language;
  std::string title;
  std::string kind;  // codec name or "unknown", for notes
};

// How a file was found to be shorter than it says.
struct Truncation {
  std::string text;                        // for people
  std::uint64_t packets = 0;               // missing, where an index lists them
  std::optional<Timestamp> indexed_until;  // the last of them, on its stream's clock
};

// Reads a media file linearly from a descriptor through our own I/O: libav never opens a path or a URL. The same file
// gives the same packets with the same ordinals every time. Not thread-safe; the descriptor outlives it.
class Demuxer {
 public:
  // kInput with a named reason: not a media file, a format or a stream count that is refused, encrypted…
  static Result<Demuxer> open(int fd);
  Demuxer(Demuxer&&) noexcept;
  ~Demuxer();

  [[nodiscard]] std::string container() const;
  // An MPEG transport or program stream: a broadcast without beginning or end, whose clock may be set anew on the way.
  [[nodiscard]] bool clock_may_jump() const;
  [[nodiscard]] const std::vector<StreamFacts>& streams() const;
  [[nodiscard]] Claims claims() const;
  // Packets of other streams are dropped by the demuxer. Ordinals count from 0 per stream.
  void keep_only(const std::vector<std::uint32_t>& streams);

  struct Item {
    std::uint32_t stream = 0;
    JournalPacket packet;
    bool corrupt = false;  // the demuxer flagged it
  };
  // nullopt at the end of the file. A damaged tail ends like a file.
  Result<std::optional<Item>> next();
  // After the end: how we know that the file is shorter than its own index or structure says; nothing if nothing says so.
  [[nodiscard]] std::optional<Truncation> truncation() const;
  [[nodiscard]] std::uint64_t bytes() const;

 private:
  struct State;
  explicit Demuxer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gopmill::av
