#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "cli/client/client.h"
#include "cli/terminal/display.h"
#include "proto/messages.h"

namespace gopmill {

// Brings the files of a done job over the data socket into `folder` and tells the coordinator that they are there. All are
// fetched and checked (their sha256 too) before the first gets its name, so a broken connection leaves nothing; report.json
// gets its name last, so where it is, everything is. A file that is there already with the right bytes is kept, which is
// how an interrupted collection goes on; any other is kCannotCreate unless `replace`. Returns their paths in order.
Result<std::vector<std::filesystem::path>> collect(FarmClient& client, const wire::JobReply& done,
                                                   const std::filesystem::path& folder, bool replace, Display& display);

}  // namespace gopmill
