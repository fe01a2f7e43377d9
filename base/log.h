#pragma once

#include <string_view>

namespace gopmill {

enum class LogLevel : unsigned char { kDebug, kInfo, kWarn, kError };

// Lines on stderr: "time level text". One logger is made in `main` and passed in by reference; nothing is global.
// Each fault is logged once, at the top.
class Log {
 public:
  virtual ~Log() = default;
  virtual void write(LogLevel level, std::string_view text) = 0;
  void debug(std::string_view text) { write(LogLevel::kDebug, text); }
  void info(std::string_view text) { write(LogLevel::kInfo, text); }
  void warn(std::string_view text) { write(LogLevel::kWarn, text); }
  void error(std::string_view text) { write(LogLevel::kError, text); }
};

// The log of a service (coordinator, worker): spdlog to stderr. Only one may live at a time in a process.
class StderrLog final : public Log {
 public:
  explicit StderrLog(LogLevel lowest);
  ~StderrLog() override;
  void write(LogLevel level, std::string_view text) override;
};

}  // namespace gopmill
