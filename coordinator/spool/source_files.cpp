#include "coordinator/spool/source_files.h"

namespace gopmill {

Result<Fd> open_source(const Source& source, const Spool& spool, JobId job) {
  return source.match([](const LocalSource& local) { return open_source(local.path); },
                      [&](const UploadedSource&) { return spool.open_file(source_artifact(job)); });
}

bool is_in(const Spool& spool, JobId job, const Source& source) {
  return source.match([](const LocalSource&) { return true; },
                      [&](const UploadedSource&) { return spool.has(source_artifact(job)); });
}

}  // namespace gopmill
