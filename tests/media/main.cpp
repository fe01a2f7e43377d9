// The tests start media children as the product does: as this same binary with the hidden argument.

#include <gmock/gmock.h>

#include <cstring>

#include "media/child/child_line.h"
#include "media/steps/child_main.h"

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], gopmill::kChildArgument) == 0) return gopmill::media_child_main();
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
