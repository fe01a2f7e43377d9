#include "proto/codec_field_count.h"

#include <google/protobuf/io/coded_stream.h>

#include <cstddef>
#include <cstdint>

#include "proto/gopmill.pb.h"
#include "proto/messages.h"

namespace gopmill::wire {

namespace {

class FieldCount {
 public:
  using Input = google::protobuf::io::CodedInputStream;
  enum class Level : std::uint8_t { kEnvelope, kMessage, kJob };

  // False: too many, or not a sequence of fields. Groups are refused: proto3 has none, and skipping them needs recursion.
  bool fits(Input& in, Level level) {
    for (;;) {
      const std::uint32_t tag = in.ReadTag();
      if (tag == 0) return in.ConsumedEntireMessage();
      if (++fields_ > kFieldsMax) return false;
      const int field = static_cast<int>(tag >> 3);
      std::uint64_t number = 0;
      int size = 0;
      bool fit = false;
      switch (tag & 7) {
        case 0: fit = in.ReadVarint64(&number); break;
        case 1: fit = in.Skip(8); break;
        case 2: fit = in.ReadVarintSizeAsInt(&size) && fits_inside(in, level, field, size); break;
        case 5: fit = in.Skip(4); break;
        default: break;
      }
      if (!fit) return false;
    }
  }

 private:
  // 40 fields that are no lists are more than a JobStatus has.
  static constexpr std::size_t kFieldsMax = kJobsListed * (40 + kRenditionsListed + kFilesListed + kNotesListed);
  static constexpr int kJobField = pb::JobsReply::kJobsFieldNumber;
  static_assert(kJobField == pb::JobReply::kJobFieldNumber);

  bool fits_inside(Input& in, Level level, int field, int size) {
    if (level == Level::kEnvelope) {
      has_jobs_ = field == pb::Control::kJobReplyFieldNumber || field == pb::Control::kJobsReplyFieldNumber;
    } else if (level == Level::kJob || !has_jobs_ || field != kJobField) {
      return in.Skip(size);
    }
    const Input::Limit outer = in.PushLimit(size);
    const bool fit = fits(in, level == Level::kEnvelope ? Level::kMessage : Level::kJob);
    in.PopLimit(outer);
    return fit;
  }

  std::size_t fields_ = 0;
  bool has_jobs_ = false;
};

}  // namespace

bool fields_fit(std::string_view bytes) {
  FieldCount::Input in(reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
  return FieldCount().fits(in, FieldCount::Level::kEnvelope);
}

}  // namespace gopmill::wire
