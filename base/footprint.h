#pragma once

namespace gopmill {

// Hands back the pages that loading the binary's libraries has touched: FFmpeg alone brings a hundred and fifty, and a parent process
// runs next to none of their code. Only clean pages of segments that are not writable; what is needed is mapped in
// again by itself. Takes a waiting coordinator or worker from 46 MB to a third.
void release_library_pages();

}  // namespace gopmill
