#include "media/steps/encoder_check.h"

#include "media/av/encode/encoder.h"

namespace gopmill {

EncoderCheck encoder_check() {
  return [](const RenditionProfile& rendition) { return av::complaint_about(rendition); };
}

}  // namespace gopmill
