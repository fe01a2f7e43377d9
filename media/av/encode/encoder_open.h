#pragma once

#include <string>

#include "media/av/encode/encoder.h"
#include "media/av/handles.h"
#include "media/task/task.h"

namespace gopmill::av {

// From settings to an opened encoder: the one place that says what makes segments join and bytes repeat. For encoder.cpp, which
// encodes with it, and encoder_complaint.cpp, which only asks whether it opens.
// Why: docs/decisions/07-parameter-sets.md.

// Closes an encoder that may be in the middle of its work. SVT-AV1 1.4 waits for ever unless it was told the end first.
struct CloseEncoder {
  bool end_first = false;  // EncoderFacts::end_before_close
  void operator()(AVCodecContext* context) const;
};
using EncoderContext = std::unique_ptr<AVCodecContext, CloseEncoder>;

struct Opened {
  EncoderContext context;
  std::string left;  // an option nobody took
  int error = 0;
  std::string words;  // the last libav said while opening
};

// Never a fault: what went wrong is in `error`, an option nobody took in `left`. A LastWords must live.
Opened open_encoder(const EncoderSettings& settings, const EncoderStart& start = {});

}  // namespace gopmill::av
