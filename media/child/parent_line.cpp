#include "media/child/parent_line.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/time.h"

namespace gopmill {

namespace {

constexpr std::int64_t kProgressEveryMs = 200;

}  // namespace

void say_to_parent(int socket, ChildSaying saying, std::uint64_t value) {
  const ChildMessage message{saying, value};
  (void)::send(socket, &message, sizeof message, MSG_NOSIGNAL);
}

void ParentLine::progress(std::uint64_t done) {
  const std::int64_t now = monotonic_now().since_zero.count();
  if (now - last_progress_ms_ < kProgressEveryMs) return;
  last_progress_ms_ = now;
  say_to_parent(socket_, ChildSaying::kProgress, done);
}

Result<Fd> ParentLine::want_file(std::uint32_t index) {
  say_to_parent(socket_, ChildSaying::kWantFile, index);
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket_, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  const cmsghdr* header = got == 1 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int))) {
    return fail(FaultKind::kMachine, "the parent gave no file");
  }
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return Fd(fd);
}

void ParentLine::hashed_file(std::uint64_t hash) { say_to_parent(socket_, ChildSaying::kHashedFile, hash); }

void ParentLine::closed_file(std::uint32_t index) { say_to_parent(socket_, ChildSaying::kClosedFile, index); }

}  // namespace gopmill
