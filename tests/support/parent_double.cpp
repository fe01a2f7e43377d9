#include "tests/support/parent_double.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/check.h"
#include "media/child/child_line.h"

namespace gopmill::test {

namespace {

std::array<int, 2> socket_pair() {
  std::array<int, 2> fds{};
  GOPMILL_CHECK(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds.data()) == 0);
  return fds;
}

void send_file(int socket, int fd) {
  char byte = 'f';
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  GOPMILL_CHECK(::sendmsg(socket, &message, MSG_NOSIGNAL) == 1);
}

}  // namespace

ParentDouble::ParentDouble(std::function<Fd(std::uint32_t)> file_of) : file_of_(std::move(file_of)), line_(-1) {
  const auto fds = socket_pair();
  ours_ = Fd(fds[0]);
  theirs_ = Fd(fds[1]);
  line_ = ParentLine(theirs_.get());
  thread_ = std::thread([this] { serve(); });
}

ParentDouble::ParentDouble(const std::vector<Fd>& files)
    : ParentDouble([&files](std::uint32_t index) { return Fd(::fcntl(files.at(index).get(), F_DUPFD_CLOEXEC, 0)); }) {}

ParentDouble::~ParentDouble() { stop(); }

void ParentDouble::stop() {
  theirs_.reset();  // ends the thread's recv
  if (thread_.joinable()) thread_.join();
}

void ParentDouble::serve() {
  ChildMessage message;
  while (::recv(ours_.get(), &message, sizeof message, 0) == static_cast<ssize_t>(sizeof message)) {
    const auto index = static_cast<std::uint32_t>(message.value);
    if (message.saying == ChildSaying::kClosedFile) closed_.push_back(index);
    if (message.saying != ChildSaying::kWantFile) continue;
    wanted_.push_back(index);
    const Fd file = file_of_(index);
    send_file(ours_.get(), file.get());
  }
}

std::vector<std::uint32_t> ParentDouble::wanted() {
  stop();
  return wanted_;
}

std::vector<std::uint32_t> ParentDouble::closed() {
  stop();
  return closed_;
}

int open_descriptors() {
  const std::filesystem::directory_iterator listing("/proc/self/fd");
  return static_cast<int>(std::distance(begin(listing), end(listing))) - 1;  // the listing's own
}

std::uint64_t bytes_written() {
  std::ifstream io("/proc/self/io");
  std::string key;
  std::uint64_t value = 0;
  while (io >> key >> value) {
    if (key == "wchar:") return value;
  }
  GOPMILL_CHECK(!"/proc/self/io has no wchar");
  return 0;
}

}  // namespace gopmill::test
