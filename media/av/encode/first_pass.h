#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "media/task/task.h"

struct AVFrame;

namespace gopmill::av {

// The first of the two passes in which VP9 is coded: looks at the frames of one GOP and says what it saw, about 0.3 kB for each. It codes
// nothing and is the same at every quality. Not thread-safe.
class FirstPass {
 public:
  // kConfig if the encoder refuses a setting.
  static Result<FirstPass> open(const EncoderSettings& settings);
  FirstPass(FirstPass&&) noexcept;
  FirstPass& operator=(FirstPass&&) noexcept;
  ~FirstPass();
  // The same frames as the second pass will be sent, in the same order.
  Result<> see(AVFrame& frame);
  // What EncoderStart::statistics takes.
  Result<std::string> finish();

 private:
  struct State;
  explicit FirstPass(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gopmill::av
