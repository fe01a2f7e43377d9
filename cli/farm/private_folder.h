#pragma once

#include <filesystem>

#include "base/file.h"
#include "base/result.h"

namespace gopmill {

// The private folder of one `gopmill run`: PARENT/.gopmill-run-PID, for its owner only, locked while its process lives and removed
// with everything in it by the destructor. Whatever kills a run, the next one in the same PARENT removes what it left: a
// folder of that name that nobody holds locked.
class PrivateFolder {
 public:
  // kCannotCreate with the reason. Stale folders in `parent` are removed first.
  static Result<PrivateFolder> create(const std::filesystem::path& parent);
  PrivateFolder(PrivateFolder&& other) noexcept;
  PrivateFolder& operator=(PrivateFolder&&) = delete;
  ~PrivateFolder();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // "ipc://…" for a socket only we can reach, short enough that ZeroMQ can append ".data": in the folder itself or, where its
  // path is too long for a socket (sun_path, 107 bytes), in a folder beside others under $TMPDIR or /tmp, removed with this one.
  Result<std::string> socket_endpoint();

 private:
  PrivateFolder(std::filesystem::path path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::filesystem::path path_;
  Fd lock_;
};

}  // namespace gopmill
