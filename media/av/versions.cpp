#include "media/av/versions.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace gopmill::av {

namespace {

// Whatever can change a byte of an output: builds with other versions of one of these are different builds (P2).
constexpr std::array<std::string_view, 12> kLibraries = {"libavcodec", "libavformat",   "libavfilter", "libavutil",
                                                         "libswscale", "libswresample", "libx264",     "libx265",
                                                         "libSvtAv1",  "libvpx",        "libopus",     "libdav1d"};

std::string dotted(unsigned version) {
  return std::to_string(AV_VERSION_MAJOR(version)) + "." + std::to_string(AV_VERSION_MINOR(version)) + "." +
         std::to_string(AV_VERSION_MICRO(version));
}

// The build id in one segment of ELF notes: name size, descriptor size, type, name, descriptor, each padded to four bytes.
std::string build_id_in(const char* notes, std::size_t size) {
  const auto padded = [](std::size_t n) { return (n + 3) & ~std::size_t{3}; };
  for (std::size_t at = 0; at + sizeof(ElfW(Nhdr)) <= size;) {
    ElfW(Nhdr) note;
    std::memcpy(&note, notes + at, sizeof note);
    const std::size_t name = at + sizeof note;
    const std::size_t descriptor = name + padded(note.n_namesz);
    if (descriptor + note.n_descsz > size) return {};
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(notes + name, "GNU", 4) == 0) {
      return hex({notes + descriptor, note.n_descsz});
    }
    at = descriptor + padded(note.n_descsz);
  }
  return {};
}

int visit(dl_phdr_info* info, std::size_t, void* opaque) {
  const std::string_view path(info->dlpi_name ? info->dlpi_name : "");
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const bool counts =
      std::any_of(kLibraries.begin(), kLibraries.end(), [&](std::string_view library) { return name.starts_with(library); });
  if (!counts) return 0;
  std::string id;
  for (int i = 0; i < info->dlpi_phnum && id.empty(); ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    if (header.p_type == PT_NOTE)
      id = build_id_in(reinterpret_cast<const char*>(info->dlpi_addr + header.p_vaddr), header.p_memsz);
  }
  static_cast<std::vector<std::string>*>(opaque)->push_back(std::string(name) + " " + id);
  return 0;
}

}  // namespace

std::string short_versions() { return "lavc " + dotted(avcodec_version()) + " lavf " + dotted(avformat_version()); }

std::string library_builds() {
  std::vector<std::string> libraries;
  ::dl_iterate_phdr(visit, &libraries);
  std::sort(libraries.begin(), libraries.end());
  std::string text;
  for (const std::string& library : libraries) text += library + "\n";
  return text;
}

}  // namespace gopmill::av
