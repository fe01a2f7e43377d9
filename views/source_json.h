#pragma once

#include <string>

#include "media/task/task.h"
#include "media/task/timeline.h"

// What was found of a file as JSON.
// Field names are stable: fields are added, never renamed or removed. Times end in _ms (milliseconds), _s (seconds) or _unix_ms; text
// that is not UTF-8 has U+FFFD for what is not. No side effects.

namespace gopmill {

// name, container, bytes, video (null or {stream codec width height shown_width shown_height sample_aspect quarter_turns
// mirrored bit_depth interlaced scan scan_evidence alpha colour{primaries transfer matrix full_range} frames packets first_s last_s seconds fps
// keys clean_keys evidence evidence_reason starts_at_s}), audio [{stream codec sample_rate channels language title default packets
// bytes starts_after_video_s seconds}], audio_chosen, notes
std::string source_json(const std::string& name, const SourceFacts& facts);

// file, passed, bytes, sha256, seconds, frames, codecs, level, video_bits_per_s, audio_bits_per_s, audio_samples,
// checks [{name passed advisory found}]
std::string verdict_json(const std::string& file, bool passed, const FileReport& report);

}  // namespace gopmill
