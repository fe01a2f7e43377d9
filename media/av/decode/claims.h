#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "media/task/journal.h"
#include "media/task/side_tracks.h"

struct AVFormatContext;

namespace gopmill::av {

// What the head of a file says about itself besides its streams. Claims: text is made clean here and everything is limited, but
// whether it is true nobody knows.

struct ChapterClaim {
  std::int64_t start = 0;  // ticks of base, in the file's own time
  Rational base{1, 1};
  std::string title;
};

// What a stream that is neither audio, video nor subtitle is.
enum class Kind : std::uint8_t { kMedia, kChapters, kTimecode, kAttachment, kData };

struct StreamClaim {
  Kind kind = Kind::kMedia;
  std::string language;  // a-z, 0-9 and -; empty for none and for "und"
  std::string title;
  bool is_forced = false;
};

struct CoverClaim {
  std::uint32_t stream = 0;
  bool png = false;
  std::string bytes;
};

struct Claims {
  std::vector<StreamClaim> streams;
  std::vector<ChapterClaim> chapters;  // at most kChaptersMax
  std::uint32_t chapters_left_out = 0;
  Tags tags;
  std::uint32_t tags_left_out = 0;
  std::optional<std::int64_t> created_unix_s;
  std::string location;
  std::optional<CoverClaim> cover;  // the first JPEG or PNG of at most kCoverBytesMax
};

Claims claims_of(const AVFormatContext& format);

// What a WebVTT packet says beside its text of where the cue is shown; empty: nothing.
std::string webvtt_settings(const JournalPacket& packet);

}  // namespace gopmill::av
