#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace gopmill {

// Turns value structs into bytes and back, for requests and results of media children and for journals: both ends are
// always the same build (workers of another build are refused at hello), so there is no versioning here; the wire
// between machines is protobuf (proto/). A struct takes part by one function that names its fields in order:
//
//   template <class A> void fields(A& a, Frame& f) { a(f.pts, f.key); }
//
// Little endian, fixed width; strings and vectors are length-prefixed by 32 bits. The reader trusts nothing: every length
// is checked against the bytes that are left, and any misfit ends in one fault of kind kInput.

class ArchiveWriter {
 public:
  template <class... Ts>
  void operator()(const Ts&... values) {
    (put(values), ...);
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] std::string take() && { return std::move(bytes_); }

 private:
  template <class T>
  void put(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      put(static_cast<std::uint8_t>(value));
    } else if constexpr (std::is_enum_v<T>) {
      put(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_arithmetic_v<T>) {
      static_assert(std::endian::native == std::endian::little);
      bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    } else if constexpr (std::is_same_v<T, Rational>) {
      put(value.num);
      put(value.den);
    } else {
      // `fields` takes a mutable reference because reader and writer share it; the writer does not write.
      fields(*this, const_cast<T&>(value));
    }
  }
  void put(const std::string& value) {
    put(static_cast<std::uint32_t>(value.size()));
    bytes_ += value;
  }
  template <class T>
  void put(const std::vector<T>& values) {
    put(static_cast<std::uint32_t>(values.size()));
    for (const auto& value : values) put(static_cast<const T&>(value));
  }
  template <class T>
  void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  template <class K, class V>
  void put(const std::map<K, V>& values) {
    put(static_cast<std::uint32_t>(values.size()));
    for (const auto& [key, value] : values) {
      put(key);
      put(value);
    }
  }
  template <class T, std::size_t N>
  void put(const std::array<T, N>& values) {
    for (const auto& value : values) put(value);
  }

  std::string bytes_;
};

class ArchiveReader {
 public:
  explicit ArchiveReader(std::span<const std::byte> bytes) : left_(bytes) {}
  explicit ArchiveReader(const std::string& bytes) : left_(std::as_bytes(std::span(bytes))) {}

  template <class... Ts>
  void operator()(Ts&... values) {
    (get(values), ...);
  }
  // False once anything did not fit; values read after that are zero.
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return left_.empty(); }
  void refuse() {
    ok_ = false;
    left_ = {};
  }

 private:
  bool pull(void* to, std::size_t size) {
    if (!ok_ || left_.size() < size) {
      refuse();
      std::memset(to, 0, size);
      return false;
    }
    std::memcpy(to, left_.data(), size);
    left_ = left_.subspan(size);
    return true;
  }
  // A count whose elements take at least one byte each can never exceed the bytes that are left.
  std::size_t pull_count() {
    std::uint32_t count = 0;
    pull(&count, sizeof count);
    if (count > left_.size()) {
      refuse();
      return 0;
    }
    return count;
  }
  template <class T>
  void get(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      std::uint8_t byte = 0;
      get(byte);
      if (byte > 1) refuse();
      value = byte == 1;
    } else if constexpr (std::is_enum_v<T>) {
      std::underlying_type_t<T> raw{};
      get(raw);
      value = static_cast<T>(raw);
    } else if constexpr (std::is_arithmetic_v<T>) {
      pull(&value, sizeof value);
    } else if constexpr (std::is_same_v<T, Rational>) {
      get(value.num);
      get(value.den);
      if (value.den <= 0) {
        refuse();
        value = {0, 1};
      }
    } else {
      fields(*this, value);
    }
  }
  void get(std::string& value) {
    const std::size_t size = pull_count();
    value.assign(reinterpret_cast<const char*>(left_.data()), size);
    left_ = left_.subspan(size);
  }
  template <class T>
  void get(std::vector<T>& values) {
    const std::size_t count = pull_count();
    values.clear();
    for (std::size_t i = 0; i < count && ok_; ++i) {
      T value{};
      get(value);
      values.push_back(std::move(value));
    }
  }
  template <class T>
  void get(std::optional<T>& value) {
    bool present = false;
    get(present);
    value.reset();
    if (present) get(value.emplace());
  }
  template <class K, class V>
  void get(std::map<K, V>& values) {
    const std::size_t count = pull_count();
    values.clear();
    for (std::size_t i = 0; i < count && ok_; ++i) {
      K key{};
      V value{};
      get(key);
      get(value);
      values.emplace(std::move(key), std::move(value));
    }
  }
  template <class T, std::size_t N>
  void get(std::array<T, N>& values) {
    for (auto& value : values) get(value);
  }

  std::span<const std::byte> left_;
  bool ok_ = true;
};

template <class T>
[[nodiscard]] std::string encode(const T& value) {
  ArchiveWriter writer;
  writer(value);
  return std::move(writer).take();
}

// `what` names the thing in the fault ("analysis result").
template <class T>
[[nodiscard]] Result<T> decode(const std::string& bytes, std::string_view what) {
  ArchiveReader reader(bytes);
  T value{};
  reader(value);
  if (!reader.ok() || !reader.at_end()) return fail(FaultKind::kInput, std::string(what) + " is malformed");
  return value;
}

}  // namespace gopmill
