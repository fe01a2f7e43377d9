#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "base/time.h"
#include "media/task/timeline.h"
#include "profiles/profile.h"

namespace gopmill::test {

// What the analysis says of a clip; a clip that it refuses fails the test.
SourceFacts analysed(const Fd& clip);

// A job of one rendition at the source's size that loses nothing: x264 at quantiser 0 gives back what it was given. All of the job's tasks are
// carried out, in segments of this length; one packet journal for each, in order.
std::vector<Fd> lossless_job(const Fd& clip, const SourceFacts& source, Rational segment, Telecine telecine = Telecine::kKeep);

}  // namespace gopmill::test
