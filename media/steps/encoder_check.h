#pragma once

#include "profiles/profile.h"

namespace gopmill {

// The EncoderCheck for load_profile and find_profile: asks the encoders of this build, in this process (no media is read).
EncoderCheck encoder_check();

}  // namespace gopmill
