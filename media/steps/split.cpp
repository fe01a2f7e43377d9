// Which packets travel to which task. The source is read linearly, exactly as the analysis read it, so ordinals mean the
// same; runs overlap where a segment's pre-roll reaches into its predecessor, so several files may be open at once, and
// where too many would be, the source is read again (split_passes.h).

#include <deque>

#include "media/av/decode/demuxer.h"
#include "media/steps/work.h"
#include "media/task/split_passes.h"

namespace gopmill {

namespace {

struct OpenRun {
  std::uint32_t index = 0;
  PacketRun run;
  Fd file;
  JournalWriter writer;
  std::uint64_t written = 0;
};

Result<OpenRun> open_run(const SplitRequest& request, std::uint32_t index, const av::Demuxer& demuxer, ParentLine& parent) {
  const PacketRun& run = request.runs[index];
  if (run.stream >= demuxer.streams().size() || run.first >= run.end)
    return fail(FaultKind::kInternal, "a packet run that cannot be");
  Fd file = TRY(parent.want_file(index));
  // The file holds the task's request already; the journal follows it.
  const std::uint64_t offset = TRY(file_size(file.get()));
  JournalWriter writer(file.get(), offset);
  TRY(writer.begin(demuxer.streams()[run.stream].parameters));
  return OpenRun{index, run, std::move(file), std::move(writer), 0};
}

// The runs [next, end) by one read from the start of the source.
Result<> read_once(int source, const SplitRequest& request, std::uint32_t next, std::uint32_t end, std::uint64_t& packets,
                   ParentLine& parent) {
  av::Demuxer demuxer = TRY(av::Demuxer::open(source));
  std::vector<std::uint32_t> streams;
  for (std::uint32_t i = next; i < end; ++i) streams.push_back(request.runs[i].stream);
  demuxer.keep_only(streams);
  std::deque<OpenRun> open;
  while (next < end || !open.empty()) {
    auto item = TRY(demuxer.next());
    if (!item) break;
    parent.progress(++packets);
    const std::uint32_t ordinal = item->packet.ordinal;
    // Runs from the very start are opened whichever stream speaks first, so that none of several tracks misses a packet.
    const auto due = [&](const PacketRun& run) { return run.first == 0 || (run.stream == item->stream && run.first <= ordinal); };
    while (next < end && due(request.runs[next])) {
      open.push_back(TRY(open_run(request, next++, demuxer, parent)));
    }
    for (auto run = open.begin(); run != open.end();) {
      if (run->run.stream != item->stream) {
        ++run;
        continue;
      }
      TRY(run->writer.append(item->packet));
      ++run->written;
      if (ordinal + 1 < run->run.end) {
        ++run;
        continue;
      }
      TRY(run->writer.finish());
      parent.closed_file(run->index);
      run = open.erase(run);
    }
  }
  if (next < end || !open.empty()) {
    return fail(FaultKind::kInput, "the source gave fewer packets than it did when it was analysed: it has changed");
  }
  return {};
}

}  // namespace

Result<> split(int source, const SplitRequest& request, ParentLine& parent) {
  std::uint32_t next = 0;
  std::uint64_t packets = 0;
  for (const std::uint32_t end : split_passes(request.runs)) {
    TRY(read_once(source, request, next, end, packets, parent));
    next = end;
  }
  return {};
}

}  // namespace gopmill
