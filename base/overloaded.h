#pragma once

namespace gopmill {

// Several functions as one, for std::visit: without a case for every alternative it does not compile.
template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

}  // namespace gopmill
