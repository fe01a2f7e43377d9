#include "cli/client/outputs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "base/file.h"
#include "base/output_name.h"
#include "base/utf8.h"

namespace gopmill {

namespace {

std::unexpected<Fault> in_the_way(const std::filesystem::path& path) {
  return fail(FaultKind::kCannotCreate,
              path.string() + " exists already: choose another folder with -o, or replace it with --force");
}

}  // namespace

std::string output_base(const std::filesystem::path& source) {
  const std::string stem = source.stem().string();
  std::string base;
  for (std::string_view left = stem; !left.empty();) {
    const std::size_t length = utf8_length(left);
    const std::string_view character = left.substr(0, std::max<std::size_t>(length, 1));
    const bool fit = length > 0 && !is_control(character) && character != "/";
    const std::string_view kept = fit ? character : "_";
    if (base.size() + kept.size() > kOutputBaseBytesMax) break;
    base += kept;
    left.remove_prefix(character.size());
  }
  return base.empty() || base == "." || base == ".." ? "_" : base;
}

Result<std::vector<OutputPlace>> place_outputs(const std::vector<std::string>& sources, const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::path absolute = std::filesystem::absolute(folder, error).lexically_normal();
  if (error) return fail(FaultKind::kCannotCreate, "cannot tell where " + folder.string() + " is: " + error.message());
  if (!absolute.has_filename()) absolute = absolute.parent_path();  // "out/" is "out"
  std::vector<OutputPlace> places;
  std::map<std::string, std::string> taken;
  for (const std::string& source : sources) {
    std::string base = output_base(source);
    const auto [before, fresh] = taken.emplace(base, source);
    if (!fresh) {
      return fail(FaultKind::kUsage, before->second + " and " + source + " would both be written to " +
                                         (absolute / base).string() +
                                         ": give them one after the other with folders of their own, or rename one");
    }
    places.push_back({sources.size() == 1 ? absolute : absolute / base, std::move(base)});
  }
  return places;
}

Result<> check_free(const OutputPlace& place, const Profile& profile) {
  const auto check = [&](OutputKind kind, const OutputFields& fields) -> Result<> {
    const std::filesystem::path path = place.folder / TRY(output_path(kind, fields));
    std::error_code ignored;
    return std::filesystem::exists(std::filesystem::symlink_status(path, ignored)) ? in_the_way(path) : Result<>();
  };
  for (const RenditionProfile& rendition : profile.renditions)
    TRY(check(OutputKind::kRendition, {{"base", place.base}, {"rendition", rendition.name}}));
  if (profile.audio)
    TRY(check(OutputKind::kRendition, {{"base", place.base}, {"rendition", "audio"}}));  // of one with audio only
  TRY(check(OutputKind::kReport, {}));
  if (!profile.subtitles.as_files()) return {};
  // Which languages there are, only the analysis will tell.
  const std::filesystem::path parent = output_parent(OutputKind::kSubtitles);
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator(place.folder / parent, unreadable)) {
    const std::string path = (parent / entry.path().filename()).string();
    if (may_be_output(OutputKind::kSubtitles, path, {{"base", place.base}})) return in_the_way(entry.path());
  }
  return {};
}

Result<OutputFolder> OutputFolder::open(const std::filesystem::path& folder) {
  OutputFolder opened(folder);
  std::vector<std::filesystem::path> missing;
  std::error_code error;
  for (auto at = folder; !at.empty() && !std::filesystem::exists(at, error); at = at.parent_path()) {
    if (error) break;
    missing.push_back(at);
    if (at == at.parent_path()) break;
  }
  for (auto at = missing.rbegin(); at != missing.rend(); ++at) {
    if (::mkdir(at->c_str(), 0777) == 0) {
      opened.made_.push_back(*at);
    } else if (errno != EEXIST) {
      return fail(FaultKind::kCannotCreate, "cannot create the folder " + at->string() + ": " + std::strerror(errno));
    }
  }
  if (!std::filesystem::is_directory(folder, error)) {
    return fail(FaultKind::kCannotCreate,
                "cannot write into " + folder.string() + ": " + (error ? error.message() : "it is not a folder"));
  }
  // Rights, read-only mounts and quotas are too many to ask about one by one: creating a file is the question itself.
  if (const auto trial = temporary_file(folder); !trial) {
    return fail(FaultKind::kCannotCreate, "cannot write into " + folder.string() + ": " + trial.error().text);
  }
  return opened;
}

OutputFolder::~OutputFolder() {
  for (auto at = made_.rbegin(); at != made_.rend(); ++at) {
    if (::rmdir(at->c_str()) != 0) break;
  }
}

}  // namespace gopmill
