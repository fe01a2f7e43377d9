// A spawned process is this same binary: spawn_test.cpp asks it what it was given.

#include <gmock/gmock.h>

#include <cstring>

#include "tests/base/spawned.h"

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], gopmill::kSpawnedArgument) == 0) return gopmill::spawned_main(argc, argv);
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
