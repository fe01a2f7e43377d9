#include "media/encoder/cold_start.h"

#include "media/encoder/encoder_facts.h"

namespace gopmill {

std::optional<double> first_frame_factor(const EncoderSettings& encoder) {
  const auto factor = facts_of(encoder.encoder).first_frame_factor;
  return factor ? factor(encoder) : std::nullopt;
}

std::uint32_t memory_of(const EncoderSettings& encoder, Joins joins, std::uint64_t first) {
  const auto memory = facts_of(encoder.encoder).memory;
  return memory ? memory(encoder, joins, first) : 0;
}

}  // namespace gopmill
