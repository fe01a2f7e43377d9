#include "media/av/abilities.h"

#include <set>
#include <sstream>

#include "media/av/allow_list.h"
#include "media/av/handles.h"

namespace gopmill::av {

bool has_encoder(const char* name) { return avcodec_find_encoder_by_name(name) != nullptr; }

// A codec has the decoder that libav finds first; the others of the list are never opened.
std::vector<std::string> decodable_codecs() {
  std::set<std::string> codecs;
  std::istringstream names(kDecoders);
  for (std::string name; std::getline(names, name, ',');) {
    const AVCodec* decoder = avcodec_find_decoder_by_name(name.c_str());
    if (decoder == nullptr) continue;
    const AVCodec* first = avcodec_find_decoder(decoder->id);
    if (first != nullptr && decoder_allowed(first->name)) codecs.insert(avcodec_get_name(decoder->id));
  }
  return {codecs.begin(), codecs.end()};
}

}  // namespace gopmill::av
