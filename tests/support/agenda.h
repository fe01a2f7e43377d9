#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "base/time.h"

namespace gopmill::test {

// Numbers from a seed, the same with every compiler and library (the distributions of <random> are not). splitmix64.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t x = state_;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
  }
  // Both ends included.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
  }
  Duration between(Duration low, Duration high) { return Duration{between(low.count(), high.count())}; }
  bool permille(std::int64_t chance) { return between(0, 999) < chance; }

 private:
  std::uint64_t state_;
};

// Virtual time: what is to happen, in the order of its time, then of its entry. Nothing here waits.
class Agenda {
 public:
  using Deed = std::function<void()>;

  void at(Instant when, Deed deed) { entries_.push({when, ++count_, std::move(deed)}); }
  void after(Duration wait, Deed deed) { at(now_ + wait, std::move(deed)); }
  // Does the next thing; false when there is none before `end`.
  bool step(Instant end) {
    if (entries_.empty() || entries_.top().when > end) return false;
    // The queue shows its top as const; the entry is popped before its deed may add others.
    Deed deed = std::move(const_cast<Entry&>(entries_.top()).deed);
    now_ = entries_.top().when;
    entries_.pop();
    ++done_;
    deed();
    return true;
  }
  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] std::uint64_t done() const { return done_; }

 private:
  struct Entry {
    Instant when;
    std::uint64_t order = 0;
    Deed deed;
    friend bool operator<(const Entry& a, const Entry& b) { return std::pair(b.when, b.order) < std::pair(a.when, a.order); }
  };
  std::priority_queue<Entry> entries_;
  std::uint64_t count_ = 0, done_ = 0;
  Instant now_;
};

}  // namespace gopmill::test
