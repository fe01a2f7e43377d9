# shellcheck shell=bash disable=SC2034
# What the scripts of this folder share; sourced, never run. After it: $root is the checkout, $build_dir the folder of the
# Release build, and whatever was made in the checkout belongs to the user who called sudo, not to root.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# scripts/check points this at builds of its own.
build_dir=${GOPMILL_BUILD_DIR:-$root/build}

# Debian 12's names.
packages_build=(g++ cmake ninja-build pkg-config
  libavcodec-dev libavformat-dev libavfilter-dev libavutil-dev libswscale-dev libswresample-dev
  libzmq3-dev cppzmq-dev libprotobuf-dev protobuf-compiler libyaml-cpp-dev libspdlog-dev libcli11-dev
  nlohmann-json3-dev libsqlite3-dev libseccomp-dev libssl-dev libxxhash-dev)
# ffmpeg and numpy judge outputs from outside; python3 runs check-layers.
packages_test=(libgtest-dev libgmock-dev ffmpeg python3 python3-numpy)
packages_check=(clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev shellcheck)

say() { printf '%s\n' "$*" >&2; }
die() {
  say "$(basename "$0"): $*"
  exit 1
}

# Installs those of the named packages that are missing: as root, else through sudo. Needs no network when all are there.
# GOPMILL_NO_INSTALL=1 leaves it to the person, for machines that are not Debian.
ensure_packages() {
  local missing=() as_root=() package
  [[ -z ${GOPMILL_NO_INSTALL:-} ]] || return 0
  { command -v dpkg-query && command -v apt-get; } >/dev/null ||
    die "this is not a Debian machine: install the equivalents of $* and set GOPMILL_NO_INSTALL=1"
  local -A installed=()
  while read -r state package; do
    [[ $state != ii* ]] || installed[$package]=1
    # dpkg-query fails when it knows nothing of one of the names, which is what is asked.
  done < <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null || true)
  for package in "$@"; do
    [[ -n ${installed[$package]:-} ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "install these as root first: apt-get install --no-install-recommends ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing: ${missing[*]}"
  "${as_root[@]}" apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 || die "apt-get update failed; still missing: ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
    install --no-install-recommends "${missing[@]}" >&2 || die "apt-get could not install: ${missing[*]}"
}

# Under sudo, gives the named files and folders back to the user who called it.
give_back_to_caller() {
  local path
  if ((EUID == 0)) && [[ ${SUDO_UID:-0} != 0 ]]; then
    for path in "$@"; do
      [[ ! -e $path ]] || find "$path" -user 0 -exec chown -h "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" {} +
    done
  fi
}

# build_release [--tests [TARGET...]]: the Release build of `gopmill`, or of it and every test, or of the targets named, in
# $build_dir.
build_release() {
  local options=() targets=(--target gopmill)
  if [[ ${1:-} == --tests ]]; then
    shift
    options=(-DGOPMILL_TESTS=ON)
    targets=()
    (($# == 0)) || targets=(--target "$@")
  elif [[ ! -f $build_dir/CMakeCache.txt ]]; then
    options=(-DGOPMILL_TESTS=OFF) # a machine that only runs gopmill has no GoogleTest
  fi
  # Ninja does nothing quickly; configuring again takes seconds, so it is left to Ninja to ask for it.
  if ((${#options[@]})) || [[ ! -f $build_dir/build.ninja ]]; then
    cmake -S "$root" -B "$build_dir" -G Ninja -DCMAKE_BUILD_TYPE=Release "${options[@]}" >&2
  fi
  cmake --build "$build_dir" "${targets[@]}" >&2
}

# run_tests DIR [ctest arguments]: runs the tests built in DIR and prints "N passed, N failed" as its last line. What ran
# is counted from ctest's own result file and compared with what ctest listed, so a test that never started has failed. Tests
# that hang are ended after tests_minutes_max: 24, so that with a build of five minutes the whole ends within half an hour.
run_tests() {
  local dir=$1 listed ran skipped failed passed status=0 results
  shift
  results=$(mktemp)
  listed=$(ctest --test-dir "$dir" -N "$@" | sed -n 's/^Total Tests: //p')
  ctest --test-dir "$dir" -j "$(nproc)" --output-on-failure --no-tests=error \
    --stop-time "$(date -d "+${tests_minutes_max:-24} minutes" '+%H:%M:%S')" --output-junit "$results" "$@" || status=$?
  # A skipped test said so itself; one whose program is missing is "notrun" as well, but for another reason.
  ran=$(grep -c '<testcase ' "$results" || true)
  skipped=$(grep -c '<skipped message="SKIP_' "$results" || true)
  passed=$(grep -c '<testcase .*status="run"' "$results" || true)
  rm -f "$results"
  failed=$((${listed:-0} - passed - skipped))
  ((failed > 0)) || failed=0
  if ((failed == 0)) && { ((status != 0)) || ((ran == 0)); }; then
    say "ctest ended with status $status after $ran tests"
    failed=1
  fi
  ((skipped == 0)) || printf '%s skipped\n' "$skipped"
  printf '%s passed, %s failed\n' "$passed" "$failed"
  ((failed == 0))
}

# Every C++ file of ours, each followed by a zero byte.
cpp_files() {
  local folders=() folder
  for folder in base proto profiles media coordinator worker cli tests; do
    [[ ! -d $root/$folder ]] || folders+=("$root/$folder")
  done
  find "${folders[@]}" \( -name '*.h' -o -name '*.cpp' \) -print0 | sort -z
}
