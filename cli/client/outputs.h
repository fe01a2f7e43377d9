#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "profiles/profile.h"

namespace gopmill {

// Where a job's files go: into `folder`, under names that base/output_name.h makes of `base`.
struct OutputPlace {
  std::filesystem::path folder;  // absolute
  std::string base;
};

inline constexpr std::size_t kOutputBaseBytesMax =
    200;  // leaves 55 of a file name's 255 for the rendition or ".LANGUAGE.forced.2.vtt", and ".part"

// The source's file name without its extension, as UTF-8 without control characters or '/': what is none becomes '_'. Cut to
// kOutputBaseBytesMax. Never empty, "." or "..".
std::string output_base(const std::filesystem::path& source);

// One source goes into `folder` itself, several into a folder each, named after their base. kUsage where two sources would
// share one.
Result<std::vector<OutputPlace>> place_outputs(const std::vector<std::string>& sources, const std::filesystem::path& folder);

// kCannotCreate naming the first file that is in the way of what `profile` may yield.
Result<> check_free(const OutputPlace& place, const Profile& profile);

// A folder that files can be created in, made with its parents if it is not there. Destruction removes those it made as far as
// nothing was put into them, so that a refused request leaves nothing.
class OutputFolder {
 public:
  // kCannotCreate with the reason.
  static Result<OutputFolder> open(const std::filesystem::path& folder);
  OutputFolder(OutputFolder&&) noexcept = default;
  OutputFolder& operator=(OutputFolder&&) = delete;
  ~OutputFolder();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  explicit OutputFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
  std::vector<std::filesystem::path> made_;  // outermost first
};

}  // namespace gopmill
