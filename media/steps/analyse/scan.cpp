#include "media/steps/analyse/scan.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "media/av/decode/decoder.h"
#include "media/av/decode/demuxer.h"
#include "media/av/frame/frame.h"
#include "media/signal/field_stats.h"

namespace gopmill {

namespace {

constexpr int kScanThreads = 2;

FieldMeasures measure(FieldMeter& meter, AVFrame& frame) {
  const std::optional<LumaPlane> luma = av::luma_of(frame);
  return luma ? meter.see(*luma) : kUnmeasured;
}

using Runs = std::vector<std::vector<FieldMeasures>>;

Result<Runs> sample_runs(int source, const std::vector<std::uint32_t>& starts, const VideoTrack& track, ParentLine& parent) {
  av::Demuxer demuxer = TRY(av::Demuxer::open(source));
  demuxer.keep_only({track.stream});
  Runs runs;
  std::optional<av::Decoder> decoder;
  FieldMeter meter;
  const auto on_frame = [&](AVFrame& frame) -> Result<> {
    runs.back().push_back(measure(meter, frame));
    return {};
  };
  std::size_t next = 0;
  while (next < starts.size() || decoder) {
    const auto item = TRY(demuxer.next());
    const std::uint32_t ordinal = item ? item->packet.ordinal : UINT32_MAX;
    parent.progress(ordinal);
    if (decoder && (!item || ordinal >= starts[next - 1] + kScanRunFrames)) {
      TRY(decoder->finish(on_frame));
      decoder.reset();
    }
    if (!item) break;
    if (next < starts.size() && ordinal == starts[next]) {
      decoder.emplace(TRY(av::Decoder::open(demuxer.streams()[track.stream].parameters, {.threads = kScanThreads})));
      meter = FieldMeter();
      runs.emplace_back();
      ++next;
    }
    if (decoder) TRY(decoder->send(item->packet, on_frame));
  }
  return runs;
}

// The film of the whole track, from every frame of it. A frame that does not decode is taken for whole.
Result<std::vector<std::uint8_t>> find_film(int source, const VideoTrack& track, ParentLine& parent) {
  av::Demuxer demuxer = TRY(av::Demuxer::open(source));
  demuxer.keep_only({track.stream});
  av::Decoder decoder = TRY(av::Decoder::open(demuxer.streams()[track.stream].parameters, {.threads = kScanThreads}));
  std::unordered_map<std::uint32_t, std::size_t> places;  // packet ordinal → place in track.frames
  for (std::size_t i = 0; i < track.frames.size(); ++i) places.emplace(track.frames[i].packet, i);
  CadenceFinder finder(track.top_first);
  FieldMeter meter;
  std::size_t done = 0;
  const auto on_frame = [&](AVFrame& frame) -> Result<> {
    const auto place = places.find(static_cast<std::uint32_t>(av::facts_of(frame).pts));
    if (place == places.end() || place->second < done) return {};
    for (; done < place->second; ++done) finder.add(kUnmeasured);
    finder.add(measure(meter, frame));
    ++done;
    return {};
  };
  std::uint64_t packets = 0;
  while (auto item = TRY(demuxer.next())) {
    TRY(decoder.send(item->packet, on_frame));
    parent.progress(++packets);
  }
  TRY(decoder.finish(on_frame));
  for (; done < track.frames.size(); ++done) finder.add(kUnmeasured);
  return finder.lengths();
}

}  // namespace

std::vector<std::uint32_t> scan_run_starts(const std::vector<PacketFacts>& packets) {
  std::vector<std::uint32_t> keys;
  for (std::uint32_t i = 0; i < packets.size(); ++i) {
    if (packets[i].key) keys.push_back(i);
  }
  if (keys.empty()) keys.push_back(0);
  std::vector<std::uint32_t> starts;
  for (std::uint32_t run = 0; run < kScanRuns; ++run) {
    const auto wanted = static_cast<std::uint32_t>(static_cast<std::uint64_t>(packets.size()) * run / kScanRuns);
    // The nearest key at or before the place wanted, and never inside of the run before.
    auto key = std::ranges::upper_bound(keys, wanted);
    if (key != keys.begin()) --key;
    const std::uint32_t free_from = starts.empty() ? 0 : starts.back() + kScanRunFrames;
    while (key != keys.end() && *key < free_from && !starts.empty()) ++key;
    if (key == keys.end()) break;
    starts.push_back(*key);
  }
  return starts;
}

Result<> find_scan(int source, const std::vector<PacketFacts>& packets, bool flagged, bool flagged_top_first, VideoTrack& track,
                   ParentLine& parent) {
  if (track.height > kInterlacedHeightMax) {
    track.scan_evidence = "no frame this high is interlaced";
    return {};
  }
  const Runs runs = TRY(sample_runs(source, scan_run_starts(packets), track, parent));
  const ScanFindings findings = judge_scan(runs, flagged, flagged_top_first);
  track.scan = findings.scan;
  track.top_first = findings.top_first;
  track.scan_evidence = findings.evidence;
  track.interlaced = track.scan == Scan::kInterlaced;
  if (track.scan != Scan::kTelecined) return {};
  track.film = TRY(find_film(source, track, parent));
  track.interlaced = std::ranges::find(track.film, 1) != track.film.end();
  const auto lone = std::ranges::count(track.film, 1);
  track.scan_evidence += "; " + std::to_string(track.film.size()) + " film frames in " + std::to_string(track.frames.size()) +
                         " frames, " + std::to_string(lone) + " fields without a partner";
  return {};
}

}  // namespace gopmill
