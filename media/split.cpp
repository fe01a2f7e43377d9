// Which packets travel to which task. The source is read once, linearly, exactly as the analysis read it, so ordinals
// mean the same; runs overlap where a segment's pre-roll reaches into its predecessor, so several files may be open at once.

#include <deque>

#include "media/av/demuxer.h"
#include "media/work.h"

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

}  // namespace

Result<> split(int source, const SplitRequest& request, ParentLine& parent) {
  av::Demuxer demuxer = TRY(av::Demuxer::open(source));
  std::vector<std::uint32_t> streams;
  for (const PacketRun& run : request.runs) streams.push_back(run.stream);
  demuxer.keep_only(streams);
  std::deque<OpenRun> open;
  std::uint32_t next = 0;
  std::uint64_t packets = 0;
  while (next < request.runs.size() || !open.empty()) {
    auto item = TRY(demuxer.next());
    if (!item) break;
    parent.progress(++packets);
    const std::uint32_t ordinal = item->packet.ordinal;
    // Runs from the very start are opened whichever stream speaks first, so that none of several tracks misses a packet.
    const auto due = [&](const PacketRun& run) { return run.first == 0 || (run.stream == item->stream && run.first <= ordinal); };
    while (next < request.runs.size() && due(request.runs[next])) {
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
  if (next < request.runs.size() || !open.empty()) {
    return fail(FaultKind::kInput, "the source gave fewer packets than it did when it was analysed: it has changed");
  }
  return {};
}

}  // namespace gopmill
