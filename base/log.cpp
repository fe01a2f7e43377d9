#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace gopmill {

namespace {
spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarn: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}
constexpr const char* kLoggerName = "gopmill";
}  // namespace

StderrLog::StderrLog(LogLevel lowest) {
  const auto logger = spdlog::stderr_logger_st(kLoggerName);
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  logger->set_level(to_spdlog(lowest));
}

StderrLog::~StderrLog() { spdlog::drop(kLoggerName); }

void StderrLog::write(LogLevel level, std::string_view text) {
  const auto logger = spdlog::get(kLoggerName);
  logger->log(to_spdlog(level), "{}", text);
  logger->flush();
}

}  // namespace gopmill
