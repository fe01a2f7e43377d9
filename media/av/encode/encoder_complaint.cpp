#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

extern "C" {
#include <libavutil/opt.h>
}

#include "media/av/encode/encoder.h"
#include "media/av/encode/encoder_open.h"
#include "media/encoder/encoder_facts.h"
#include "media/encoder/encoder_options.h"
#include "profiles/profile_tree.h"

namespace gopmill::av {

namespace {

// The encoder's private options and libavcodec's general ones for video encoders.
std::string nearest_option(const AVCodec& codec, const std::string& wanted) {
  std::vector<std::string_view> names;
  const auto gather = [&](const AVClass* owner) {
    for (const AVOption* option = nullptr; owner && (option = av_opt_next(&owner, option));) {
      if (option->type != AV_OPT_TYPE_CONST && (option->flags & AV_OPT_FLAG_ENCODING_PARAM)) names.emplace_back(option->name);
    }
  };
  gather(codec.priv_class);
  gather(avcodec_get_class());
  return std::string(nearest_word(wanted, names));
}

EncoderSettings trial_settings(const RenditionProfile& rendition) {
  EncoderSettings settings = settings_of(rendition);
  settings.width = 640;
  settings.height = 360;
  settings.base = {1, 25};
  settings.frame_rate = {25, 1};
  return settings;
}

// The encoders parse their own lists, complain in words and go on.
bool is_refused(const EncoderFacts& facts, const Opened& opened) {
  return opened.error < 0 || std::ranges::any_of(
                                 facts.list_complaints,
                                 [&](std::string_view complaint) { return opened.words.find(complaint) != std::string::npos; });
}

// Opening fails as a whole; which setting was it? The first one whose absence mends it.
std::string guilty_key(const EncoderSettings& settings) {
  const auto mends = [](const EncoderSettings& trial) { return !is_refused(facts_of(trial.encoder), open_encoder(trial)); };
  EncoderSettings trial = settings;
  trial.codec_profile = "auto";
  if (settings.codec_profile != "auto" && mends(trial)) return "profile";
  trial = settings;
  trial.level = "auto";
  if (settings.level != "auto" && mends(trial)) return "level";
  for (const auto& [key, value] : settings.options) {
    trial = settings;
    trial.options.erase(key);
    if (mends(trial)) return key;
  }
  return "preset";
}

// Asked of x264 itself, a wrong preset name is also complained about on stderr, past libav's log.
std::optional<EncoderComplaint> unknown_preset(const EncoderSettings& settings) {
  std::vector<std::string_view> presets;
  for (const PresetFacts& preset : facts_of(settings.encoder).presets) presets.push_back(preset.name);
  if (presets.empty()) return std::nullopt;
  if (std::find(presets.begin(), presets.end(), settings.preset) != presets.end()) return std::nullopt;
  return EncoderComplaint{"preset", std::string(facts_of(settings.encoder).name) + " has no preset '" + settings.preset + "'",
                          std::string(nearest_word(settings.preset, presets))};
}

// The first word that some encoder reserves and that is in the list.
std::optional<std::string_view> reserved_word_in(std::string_view list) {
  for (const EncoderFacts* facts : all_encoders()) {
    for (const std::string_view word : facts->reserved_words) {
      if (value_in_list(list, word)) return word;
    }
  }
  return std::nullopt;
}

std::optional<EncoderComplaint> reserved_parameter(const EncoderSettings& settings) {
  for (const EncoderFacts* facts : all_encoders()) {
    const std::string key(facts->own_list);
    if (const auto word = reserved_word_in(option_of(settings, key)))
      return EncoderComplaint{key, "'" + std::string(*word) + "' is set by gopmill itself, for joins and equal bytes", ""};
  }
  return std::nullopt;
}

}  // namespace

std::optional<EncoderComplaint> complaint_about(const RenditionProfile& rendition) {
  const LastWords words;
  const EncoderSettings settings = trial_settings(rendition);
  if (auto reserved = reserved_parameter(settings)) return reserved;
  if (auto unknown = unknown_preset(settings)) return unknown;
  const Opened opened = open_encoder(settings);
  if (!opened.left.empty() && opened.error >= 0) {
    const AVCodec* codec = avcodec_find_encoder_by_name(facts_of(settings.encoder).name.data());
    return EncoderComplaint{opened.left, std::string(facts_of(settings.encoder).name) + " has no such option",
                            nearest_option(*codec, opened.left)};
  }
  if (!is_refused(facts_of(settings.encoder), opened)) return std::nullopt;
  const std::string why = opened.words.empty() ? error_text(opened.error) : opened.words;
  return EncoderComplaint{guilty_key(settings), std::string(facts_of(settings.encoder).name) + ": " + why, ""};
}

}  // namespace gopmill::av
