#include "media/encoder/encoder_facts.h"

#include <algorithm>

#include "base/check.h"

namespace gopmill {

namespace {

constexpr const EncoderFacts* kEncoders[] = {&kX264Facts, &kX265Facts, &kSvtAv1Facts, &kLibvpxVp9Facts};

}  // namespace

std::span<const EncoderFacts* const> all_encoders() { return kEncoders; }

const EncoderFacts& facts_of(Encoder encoder) {
  const auto* const found = std::ranges::find(kEncoders, encoder, &EncoderFacts::encoder);
  GOPMILL_CHECK(found != std::end(kEncoders));
  return **found;
}

Encoder encoder_for(VideoCodec codec) {
  const auto* const found = std::ranges::find(kEncoders, codec, &EncoderFacts::codec);
  GOPMILL_CHECK(found != std::end(kEncoders));
  return (*found)->encoder;
}

EncoderSettings settings_of(const RenditionProfile& rendition) {
  return {.encoder = encoder_for(rendition.codec),
          .pixel_format = rendition.pixel_format,
          .rate = rendition.rate,
          .preset = rendition.preset,
          .codec_profile = rendition.codec_profile,
          .level = rendition.level,
          .options = rendition.encoder_options};
}

}  // namespace gopmill
