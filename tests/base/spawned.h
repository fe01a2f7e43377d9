#pragma once

namespace gopmill {

// The first argument that makes the test binary say what it was started with, instead of running tests.
inline constexpr const char* kSpawnedArgument = "spawned";
// Where it says so, a line for each thing, and its exit code.
inline constexpr int kSpawnedTellsFd = 5;
inline constexpr int kSpawnedExitCode = 7;

int spawned_main(int argc, char** argv);

}  // namespace gopmill
