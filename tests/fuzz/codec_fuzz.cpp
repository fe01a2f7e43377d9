#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "proto/codec.h"

// Any bytes, as a message of either plane. Whatever is accepted obeys the limits, so it must encode, and decode to itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gopmill;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto message = wire::decode_control(bytes)) GOPMILL_CHECK(wire::decode_control(wire::encode(*message)) == *message);
  if (const auto message = wire::decode_data(bytes)) GOPMILL_CHECK(wire::decode_data(wire::encode(*message)) == *message);
  return 0;
}
