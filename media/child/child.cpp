#include "media/child/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/spawn.h"
#include "media/child/child_line.h"

namespace gopmill {

namespace {

std::string describe_death(int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return std::string("the media child was killed by signal ") + std::to_string(signal) + " (" + sigdescr_np(signal) + ")";
  }
  return "the media child ended without an answer, exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Result<MediaChild> MediaChild::start(ChildWork work, const std::string& request, const std::vector<int>& fds,
                                     const ChildLimits& limits, Instant now) {
  GOPMILL_CHECK(fds.size() <= kChildWorkFdsMax);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return fail(FaultKind::kMachine, std::string("cannot make a socket pair: ") + std::strerror(errno));
  }
  MediaChild child(limits);
  child.socket_ = Fd(ends[0]);
  const Fd far_end(ends[1]);
  const ChildRequest head{
      work, static_cast<std::uint32_t>(fds.size()), ::getpid(), limits.memory_bytes_max, limits.file_bytes_max, request};
  const std::string bytes = encode(head);
  const Fd request_file = TRY(memory_file(std::as_bytes(std::span(bytes))));
  child.result_ = TRY(memory_file({}));

  // Nothing of the user's environment reaches media code.
  Spawn spawn{.what = "a media child",
              .arguments = {kChildArgument},
              .handed_down = {{far_end.get(), kChildSocketFd},
                              {request_file.get(), kChildRequestFd},
                              {child.result_.get(), kChildResultFd}},
              .opened = {{"/dev/null", O_WRONLY, STDOUT_FILENO}}};
  for (std::size_t i = 0; i < fds.size(); ++i) spawn.handed_down.push_back({fds[i], kChildFirstWorkFd + static_cast<int>(i)});
  child.pid_ = TRY(spawn_self(spawn));
  child.deadline_ = now + limits.wall_max;
  return child;
}

MediaChild::MediaChild(MediaChild&& other) noexcept : pulse_(other.pulse_) { *this = std::move(other); }

MediaChild& MediaChild::operator=(MediaChild&& other) noexcept {
  if (this == &other) return *this;
  if (!ended_ && pid_ > 0) end();
  socket_ = std::move(other.socket_);
  result_ = std::move(other.result_);
  pid_ = std::exchange(other.pid_, -1);
  deadline_ = other.deadline_;
  pulse_ = other.pulse_;
  owed_ = other.owed_;
  fault_ = std::move(other.fault_);
  finished_ = other.finished_;
  ended_ = std::exchange(other.ended_, true);
  return *this;
}

MediaChild::~MediaChild() {
  if (!ended_ && pid_ > 0) end();
}

std::vector<ChildEvent> MediaChild::poll(Instant now) {
  std::vector<ChildEvent> events;
  if (ended_) return events;
  if (!finished_ && now >= deadline_) fault_ = Fault{FaultKind::kPoison, "the media child did not end in time"};
  if (!finished_ && !fault_) fault_ = pulse_.feel(pid_, owed_, now);
  if (fault_) {
    events.emplace_back(end());
    return events;
  }
  for (;;) {
    ChildMessage message;
    const ssize_t got = ::recv(socket_.get(), &message, sizeof message, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return events;
    if (got != sizeof message) {  // closed: it is gone or going
      events.emplace_back(end());
      return events;
    }
    pulse_.heard();
    const auto index = static_cast<std::uint32_t>(message.value);
    switch (message.saying) {
      case ChildSaying::kProgress: events.emplace_back(ChildProgress{message.value}); break;
      case ChildSaying::kWantFile:
        owed_ = true;
        events.emplace_back(ChildWantsFile{index});
        break;
      case ChildSaying::kClosedFile: events.emplace_back(ChildClosedFile{index}); break;
      case ChildSaying::kHashedFile: events.emplace_back(ChildHashedFile{message.value}); break;
      case ChildSaying::kFinished: finished_ = true; break;
      default: break;  // a child gone mad: its result will be judged, not its chatter
    }
  }
}

Result<> MediaChild::give_file(int fd) {
  char byte = 0;
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
  owed_ = false;
  if (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) != 1) {
    return fail(FaultKind::kMachine, std::string("cannot hand a file to a media child: ") + std::strerror(errno));
  }
  return {};
}

void MediaChild::kill() {
  if (!ended_ && pid_ > 0) ::kill(pid_, SIGKILL);
}

// Reaps the process and judges what it left. A child that finished may still be tearing down; what it said stands.
ChildEnded MediaChild::end() {
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
  ended_ = true;
  socket_.reset();
  if (fault_) return {std::unexpected(std::move(*fault_))};
  if (!finished_) {
    const bool out_of_memory = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    return {fail(out_of_memory ? FaultKind::kMachine : FaultKind::kPoison, describe_death(status))};
  }
  const auto bytes = read_all(result_.get(), kChildResultBytesMax);
  if (!bytes) return {std::unexpected(bytes.error())};
  auto outcome = decode<ChildOutcome>(*bytes, "the media child's answer");
  if (!outcome) return {std::unexpected(Fault{FaultKind::kPoison, outcome.error().text})};
  if (outcome->good) return {std::move(outcome->text)};
  return {fail(outcome->kind, std::move(outcome->text))};
}

}  // namespace gopmill
