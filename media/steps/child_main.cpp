#include "media/steps/child_main.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <exception>

#include "base/archive.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/spawn.h"
#include "media/child/child_line.h"
#include "media/child/parent_line.h"
#include "media/child/sandbox.h"
#include "media/steps/work.h"

namespace gopmill {

namespace {

// Encoding takes every core there is for hours: the loops that hold sockets, and the short steps that a waiting user
// notices (analysis, splitting, stitching), go before it.
constexpr int kEncodingNice = 10;
constexpr int kFrameBytesMin = 128 * 1024;

std::vector<int> work_fds(const ChildRequest& head) {
  std::vector<int> fds;
  for (std::uint32_t i = 0; i < head.fds; ++i) fds.push_back(kChildFirstWorkFd + static_cast<int>(i));
  return fds;
}

template <class Request>
Result<Request> request_of(const ChildRequest& head) {
  return decode<Request>(head.request, "the request");
}

template <class T>
Result<std::string> answer(const Result<T>& result) {
  if (!result) return std::unexpected(result.error());
  if constexpr (std::is_void_v<T>) {
    return std::string();
  } else {
    return encode(*result);
  }
}

Result<std::string> work(const ChildRequest& head, ParentLine& parent) {
  const std::vector<int> fds = work_fds(head);
  if (fds.empty()) return fail(FaultKind::kInternal, "no descriptors to work on");
  switch (head.work) {
    case ChildWork::kAnalyse: return answer(analyse(fds[0], TRY(request_of<AnalyseRequest>(head)), parent));
    case ChildWork::kSplit: return answer(split(fds[0], TRY(request_of<SplitRequest>(head)), parent));
    case ChildWork::kTask: return answer(run_task(fds[0], std::vector<int>(fds.begin() + 1, fds.end()), parent));
    case ChildWork::kStitch: return answer(stitch(fds[0], TRY(request_of<StitchRequest>(head)), parent));
    case ChildWork::kPackage: return answer(package(fds[0], TRY(request_of<PackageRequest>(head))));
    case ChildWork::kVerify: return answer(verify(fds[0], TRY(request_of<VerifyRequest>(head)), parent));
    case ChildWork::kHash: return std::to_string(TRY(file_hash(fds[0])));
  }
  return fail(FaultKind::kInternal, "unknown work");
}

Result<std::string> prepare_and_work(ParentLine& parent) {
  const std::string bytes = TRY(read_all(kChildRequestFd, UINT32_MAX));
  const auto head = TRY(decode<ChildRequest>(bytes, "the child's request"));
  TRY(die_with_parent(head.parent_pid));
  // Frames come and go by the megabyte. Left alone, glibc raises this threshold after the first ones and then keeps every
  // freed frame in its heap.
  ::mallopt(M_MMAP_THRESHOLD, kFrameBytesMin);
  if (head.work == ChildWork::kTask) (void)::nice(kEncodingNice);  // without the right to, it only competes
  TRY(enter_sandbox({.wall_max = Duration(0), .memory_bytes_max = head.memory_bytes_max, .file_bytes_max = head.file_bytes_max}));
  try {
    return work(head, parent);
  } catch (const std::bad_alloc&) {
    return fail(FaultKind::kMachine, "out of memory");
  } catch (const std::exception& error) {
    return fail(FaultKind::kInternal, error.what());
  }
}

}  // namespace

int media_child_main() {
  ParentLine parent(kChildSocketFd);
  const auto result = prepare_and_work(parent);
  ChildOutcome outcome;
  outcome.good = result.has_value();
  outcome.kind = result ? FaultKind::kInternal : result.error().kind;
  outcome.text = result ? *result : result.error().text;
  const std::string bytes = encode(outcome);
  if (!write_at(kChildResultFd, 0, std::as_bytes(std::span(bytes)))) return 1;
  say_to_parent(kChildSocketFd, ChildSaying::kFinished, 0);
  return 0;
}

}  // namespace gopmill
