#include "media/child/sandbox.h"

#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace gopmill {

namespace {

constexpr rlim_t kOpenFilesMax = 1024;

Result<> limit(int resource, rlim_t value, const char* name) {
  const rlimit limits{value, value};
  if (::setrlimit(static_cast<__rlimit_resource>(resource), &limits) != 0) {
    // A harder limit is in place already; that is as good.
    rlimit present{};
    if (::getrlimit(static_cast<__rlimit_resource>(resource), &present) == 0 && present.rlim_max <= value) return {};
    return fail(FaultKind::kMachine, std::string("cannot limit ") + name + ": " + std::strerror(errno));
  }
  return {};
}

Result<> limit_resources(const ChildLimits& limits) {
  TRY(limit(RLIMIT_CORE, 0, "core dumps"));
  TRY(limit(RLIMIT_NOFILE, kOpenFilesMax, "open files"));
  TRY(limit(RLIMIT_FSIZE, limits.file_bytes_max, "file size"));
#ifndef GOPMILL_SANITIZED
  TRY(limit(RLIMIT_DATA, limits.memory_bytes_max, "memory"));
#endif
  return {};
}

// Handles every file system right and grants none.
Result<> forbid_paths() {
  const auto version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return {};  // this kernel has no Landlock
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = (1ULL << 13) - 1;  // all thirteen rights of version 1
  const Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!ruleset || ::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return fail(FaultKind::kMachine, std::string("cannot enter Landlock: ") + std::strerror(errno));
  }
  return {};
}

constexpr int kAllowed[] = {
    // work on open descriptors
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(ftruncate),
    SCMP_SYS(close),
    SCMP_SYS(fcntl),
    SCMP_SYS(dup),
    SCMP_SYS(poll),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(recvfrom),
    // memory
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(membarrier),
    SCMP_SYS(get_mempolicy),
    // threads
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(get_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(tgkill),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_setaffinity),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(sched_setscheduler),
    SCMP_SYS(sched_get_priority_min),
    SCMP_SYS(sched_get_priority_max),
    SCMP_SYS(getpriority),
    SCMP_SYS(setpriority),
    SCMP_SYS(prctl),
    // time, signals, facts about this process
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(times),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

constexpr int kAttacks[] = {
    SCMP_SYS(socket),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kill),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(mount),
    SCMP_SYS(bpf),
    SCMP_SYS(io_uring_setup),
};

Result<> filter_system_calls() {
  struct Release {
    void operator()(void* filter) const { seccomp_release(filter); }
  };
  const std::unique_ptr<void, Release> filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!filter) return fail(FaultKind::kMachine, "cannot make a seccomp filter");
  int error = 0;
  for (const int call : kAllowed) error |= seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
  for (const int call : kAttacks) error |= seccomp_rule_add(filter.get(), SCMP_ACT_KILL_PROCESS, call, 0);
  // Threads yes, processes no. clone3 hides its flags in memory, so glibc is sent back to clone.
  error |=
      seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
  error |= seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  // A process may ask for its own limits (glibc does, for thread stacks), not set them.
  error |= seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0));
  if (error != 0 || seccomp_load(filter.get()) != 0) return fail(FaultKind::kMachine, "cannot load the seccomp filter");
  return {};
}

}  // namespace

Result<> enter_sandbox(const ChildLimits& limits) {
  TRY(limit_resources(limits));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail(FaultKind::kMachine, "cannot give up new privileges");
  TRY(forbid_paths());
#ifndef GOPMILL_SANITIZED
  TRY(filter_system_calls());
#endif
  return {};
}

}  // namespace gopmill
