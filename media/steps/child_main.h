#pragma once

namespace gopmill {

// The whole life of `gopmill media-child`: takes its descriptors, drops every right it does not need, works, answers.
// Returns the exit code.
int media_child_main();

}  // namespace gopmill
