#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "coordinator/spool/spool.h"
#include "proto/messages.h"

namespace gopmill {

// What is asked of a job when its work is gone. Kept in the spool with the finished files: whoever collects them after a
// restart asks for it.
struct Finished {
  Duration media{0};
  std::vector<wire::RenditionProgress> renditions;
  std::vector<wire::ResultFile> files;
  std::vector<std::string> notes;
};
std::string encode_finished(Finished finished);
Result<Finished> decode_finished(const std::string& bytes);
// What the spool kept of that job.
Result<Finished> recall_finished(const Spool& spool, JobId job);

}  // namespace gopmill
