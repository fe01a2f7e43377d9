#include "cli/client/collect.h"

#include <optional>
#include <utility>

#include "base/file.h"
#include "base/hash.h"
#include "base/output_name.h"
#include "cli/client/outputs.h"

namespace gopmill {

namespace {

Result<bool> is_there(const std::filesystem::path& path, const wire::ResultFile& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(path, ignored))) return false;
  const Fd fd = TRY(open_source(path));
  return TRY(file_size(fd.get())) == file.facts.bytes && TRY(file_sha256(fd.get())) == file.sha256;
}

Result<> fetch(FarmClient& client, const wire::JobReply& done, std::uint32_t index, int into, Display& display) {
  const wire::ResultFile& file = done.job.files[index];
  const wire::Artifact artifact{wire::ArtifactKind::kResult, done.job.job, index, 0, 0};
  TRY(client.download(done.data_endpoint, artifact, file.facts, into,
                      [&](std::uint64_t) { display.show({done.job}, monotonic_now()); }));
  const std::string found = TRY(file_sha256(into));
  if (found != file.sha256)
    return fail(FaultKind::kMachine, file.name + " arrived with sha256 " + found + ", promised was " + file.sha256);
  return {};
}

}  // namespace

Result<std::vector<std::filesystem::path>> collect(FarmClient& client, const wire::JobReply& done,
                                                   const std::filesystem::path& folder, bool replace, Display& display) {
  const JobId job = done.job.job;
  if (done.job.files.empty()) {
    return fail(FaultKind::kUnavailable,
                "the coordinator no longer keeps the files of job " + std::to_string(job.value) + ": submit the source again");
  }
  std::vector<OutputFolder> made;
  made.push_back(TRY(OutputFolder::open(folder)));
  std::vector<std::filesystem::path> paths;
  std::vector<AtomicFile> files;
  for (std::uint32_t i = 0; i < done.job.files.size(); ++i) {
    const wire::ResultFile& file = done.job.files[i];
    // The codec refuses names that lead out of the folder; this is the one place where a name becomes a path, so it looks again.
    if (const auto good = check_output_path(file.name); !good) return fail(FaultKind::kUnavailable, good.error().text);
    paths.push_back(folder / file.name);
    if (paths.back().parent_path() != folder) made.push_back(TRY(OutputFolder::open(paths.back().parent_path())));
    if (TRY(is_there(paths.back(), file))) continue;
    auto created = AtomicFile::create(paths.back(), replace);
    if (!created && created.error().kind == FaultKind::kCannotCreate)
      created.error().text += ": choose another folder with -o, or give --force";
    files.push_back(TRY(std::move(created)));
    TRY(fetch(client, done, i, files.back().fd(), display));
  }
  for (AtomicFile& file : files) TRY(file.finish());
  TRY(client.delivered(job));
  return paths;
}

}  // namespace gopmill
