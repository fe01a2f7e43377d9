#include "cli/farm/private_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace gopmill {

namespace {

constexpr std::string_view kFolderPrefix = ".gopmill-run-";
constexpr std::string_view kSocketFolderPrefix = "gopmill-run-";
// In the private folder: where its sockets are, if not in it.
constexpr const char* kSocketLink = "sockets";
constexpr std::string_view kSocketName = "/c";
constexpr std::string_view kDataSuffix = ".data";
constexpr int kCreateTriesMax = 8;

// The folder, held exclusively; nothing where someone else holds it or it is not ours to open.
Fd lock_folder(const std::filesystem::path& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) fd.reset();
  return fd;
}

// Still the folder of that name: not removed, or made anew, between open and lock.
bool is_still(const Fd& folder, const std::filesystem::path& path) {
  struct stat held{};
  struct stat named{};
  return ::fstat(folder.get(), &held) == 0 && ::lstat(path.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

// With its socket folder. The caller holds the lock.
void remove_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  const auto sockets = std::filesystem::read_symlink(path / kSocketLink, ignored);
  // What a link says is only believed as far as it could be ours.
  if (!ignored && sockets.filename().string().starts_with(kSocketFolderPrefix)) std::filesystem::remove_all(sockets, ignored);
  std::filesystem::remove_all(path, ignored);
}

void remove_stale(const std::filesystem::path& parent) {
  std::error_code error;
  std::vector<std::filesystem::path> found;
  for (auto at = std::filesystem::directory_iterator(parent, error); !error && at != std::filesystem::directory_iterator();
       at.increment(error)) {
    if (at->path().filename().string().starts_with(kFolderPrefix)) found.push_back(at->path());
  }
  for (const auto& path : found) {
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != ::geteuid()) continue;
    if (const Fd lock = lock_folder(path); lock && is_still(lock, path)) remove_folder(path);
  }
}

bool fits_a_socket(const std::filesystem::path& folder) {
  return folder.string().size() + kSocketName.size() + kDataSuffix.size() < sizeof(sockaddr_un::sun_path);
}

}  // namespace

Result<PrivateFolder> PrivateFolder::create(const std::filesystem::path& parent) {
  remove_stale(parent);
  const std::string name = std::string(kFolderPrefix) + std::to_string(::getpid());
  for (int i = 0; i < kCreateTriesMax; ++i) {
    // A folder of this name belongs to a process of the same id on another machine or in another container.
    const auto path = parent / (i == 0 ? name : name + "-" + std::to_string(i));
    if (::mkdir(path.c_str(), 0700) != 0) {
      if (errno == EEXIST) continue;
      return fail(FaultKind::kCannotCreate, "cannot create " + path.string() + ": " + std::strerror(errno));
    }
    Fd lock = lock_folder(path);
    // Another run took it for stale in between; it will not find the next one in the same moment again.
    if (lock && is_still(lock, path)) return PrivateFolder(path, std::move(lock));
  }
  return fail(FaultKind::kCannotCreate, "cannot create and lock a folder " + name + " in " + parent.string());
}

PrivateFolder::PrivateFolder(PrivateFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}

PrivateFolder::~PrivateFolder() {
  if (!path_.empty()) remove_folder(path_);
}

Result<std::string> PrivateFolder::socket_endpoint() {
  if (fits_a_socket(path_)) return "ipc://" + path_.string() + std::string(kSocketName);
  const char* wanted = std::getenv("TMPDIR");
  std::filesystem::path temporary = wanted != nullptr && *wanted == '/' ? wanted : "/tmp";
  if (!fits_a_socket(temporary / (std::string(kSocketFolderPrefix) + "XXXXXX"))) temporary = "/tmp";
  std::string folder = (temporary / (std::string(kSocketFolderPrefix) + "XXXXXX")).string();
  if (::mkdtemp(folder.data()) == nullptr) {
    return fail(FaultKind::kCannotCreate,
                "cannot create a folder for sockets in " + temporary.string() + ": " + std::strerror(errno));
  }
  if (::symlink(folder.c_str(), (path_ / kSocketLink).c_str()) != 0) {
    const int error = errno;
    ::rmdir(folder.c_str());
    return fail(FaultKind::kCannotCreate, "cannot create " + (path_ / kSocketLink).string() + ": " + std::strerror(error));
  }
  return "ipc://" + folder + std::string(kSocketName);
}

}  // namespace gopmill
