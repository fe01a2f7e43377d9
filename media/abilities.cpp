#include "media/abilities.h"

#include <algorithm>

#include "media/av/abilities.h"
#include "media/av/audio.h"
#include "media/encoder/encoder_facts.h"
#include "profiles/codec_rules.h"

namespace gopmill {

std::string encoder_of(VideoCodec codec) { return std::string(facts_of(encoder_for(codec)).name); }
std::string encoder_of(AudioCodec codec) { return av::encoder_name(codec); }

std::vector<std::string> known_encoders() {
  std::vector<std::string> names;
  for (const EncoderFacts* encoder : all_encoders()) names.emplace_back(encoder->name);
  for (const AudioCodecRules& audio : all_audio_codecs()) names.push_back(encoder_of(audio.codec));
  return names;
}

std::vector<std::string> present_encoders() {
  std::vector<std::string> names = known_encoders();
  std::erase_if(names, [](const std::string& name) { return !av::has_encoder(name.c_str()); });
  return names;
}

std::vector<std::string> present_decoders() { return av::decodable_codecs(); }

}  // namespace gopmill
