#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

// A packet journal: one coded stream as it travels between processes. Task inputs carry source packets in it, task
// outputs carry encoded ones. It is no container: no index, no interpretation, a record per packet and a seal at the end
// that proves it whole. Layout: docs/formats.md. Nothing here knows libav.

namespace gopmill {

inline constexpr std::uint32_t kPacketBytesMax = 64U << 20;  // 8K intra frames reach 20 MB
inline constexpr std::uint32_t kExtradataBytesMax = 1U << 20;

// What a stream carries; journals hold the number.
enum class Media : std::uint8_t { kOther = 0, kVideo = 1, kAudio = 2, kSubtitle = 3 };

// What a decoder or a muxer must know of a stream. Names and numbers are libav's own, so they hold within one build.
struct StreamParameters {
  Media media = Media::kOther;
  std::string codec;  // "h264", "aac"
  std::uint32_t codec_tag = 0;
  std::string extradata;
  Rational base{1, 1};       // of packet times
  std::int32_t format = -1;  // pixel or sample format
  std::int32_t width = 0, height = 0;
  Rational sample_aspect{0, 1};
  std::int32_t profile = -99, level = -99;
  std::int32_t colour_range = 0, primaries = 2, transfer = 2, matrix = 2, chroma_location = 0;
  std::int32_t video_delay = 0;
  std::int32_t sample_rate = 0, channels = 0, block_align = 0, frame_size = 0;
  std::int32_t bits_per_coded_sample = 0, bits_per_raw_sample = 0;
  std::int32_t initial_padding = 0, trailing_padding = 0, seek_preroll = 0;
  std::int64_t bit_rate = 0;
  std::string channel_layout;  // libav's description: "5.1(side)"
};

struct SideData {
  std::uint32_t type = 0;  // AVPacketSideDataType
  std::string bytes;
};

struct JournalPacket {
  std::uint32_t ordinal = 0;     // source packets: their number in the stream; encoded ones: 0, 1, 2…
  std::int64_t pts = INT64_MIN;  // ticks of the stream's base; INT64_MIN: none
  std::int64_t dts = INT64_MIN;
  std::int64_t duration = 0;
  bool key = false;
  bool discard = false;  // decode, do not show (outside of an edit list)
  std::vector<SideData> side_data;
  std::string bytes;
};

// Appends to `fd` from `offset`. The descriptor is the caller's and outlives the writer.
class JournalWriter {
 public:
  JournalWriter(int fd, std::uint64_t offset) : fd_(fd), offset_(offset) {}
  Result<> begin(const StreamParameters& parameters);
  Result<> append(const JournalPacket& packet);
  // Seals with the packet count; a journal without its seal is refused by the reader.
  Result<> finish();

 private:
  Result<> flush();
  int fd_;
  std::uint64_t offset_;
  std::uint64_t packets_ = 0;
  std::string pending_;
};

// Reads from `fd` at `offset`, in pieces; holds one packet and one piece in memory. Trusts nothing: sizes are bounded, and any misfit
// is a fault of kind kInput that says where.
class JournalReader {
 public:
  static Result<JournalReader> open(int fd, std::uint64_t offset);
  [[nodiscard]] const StreamParameters& parameters() const { return parameters_; }
  // nullopt after the last packet, once the seal was found right.
  Result<std::optional<JournalPacket>> next();

 private:
  JournalReader(int fd, std::uint64_t offset) : fd_(fd), offset_(offset) {}
  Result<std::string> record(std::uint32_t bytes_max);
  Result<> fill(std::size_t want);
  int fd_;
  std::uint64_t offset_;
  std::string ahead_;
  std::size_t ahead_at_ = 0;
  std::uint64_t packets_ = 0;
  StreamParameters parameters_;
};

// A task input file is an encoded TaskRequest with its length in front, then a journal.
Result<std::uint64_t> write_task_head(int fd, const std::string& request);  // returns the journal's offset
struct TaskHead {
  std::string request;
  std::uint64_t journal_offset = 0;
};
Result<TaskHead> read_task_head(int fd);
inline constexpr std::uint32_t kTaskHeadBytesMax = 512U << 20;  // a whole day unsplit: 10 M frames x 3 renditions x 13 bytes

}  // namespace gopmill
