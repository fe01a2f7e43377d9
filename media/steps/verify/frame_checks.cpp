// The video track by the boxes: how many frames there are, when each is decoded and shown, which are keys, how large they are.

#include <algorithm>

#include "media/steps/verify/checks.h"

namespace gopmill {

namespace {

void check_times(const Mp4Layout& layout, const Mp4Track& boxes, const Mp4Presentation& shown, const RenditionPlan* plan,
                 std::vector<Check>& checks) {
  std::vector<std::int64_t> times;
  times.reserve(shown.samples.size());
  std::int64_t end = 0;
  for (const Mp4Sample& sample : shown.samples) times.push_back(sample.pts);
  std::sort(times.begin(), times.end());
  bool good = shown.exact && !times.empty() && times.front() == shown.starts &&
              std::adjacent_find(times.begin(), times.end()) == times.end();
  if (plan && !times.empty()) {
    const Rational base{plan->base.num, plan->base.den};
    good = good && boxes.base() == Rational{1, base.den} && times.size() == plan->frames.size();
    for (std::size_t i = 0; good && i < times.size(); ++i) good = times[i] == plan->frames[i].pts * base.num;
    end = (plan->frames.back().pts + plan->last_duration) * base.num;
    // An edit's end is kept in the movie's ticks, rounded up.
    const auto movie_ticks = [&](std::int64_t ticks) {
      return rescale(ticks, boxes.base(), {1, layout.timescale}, Rounding::kUp);
    };
    good = good && movie_ticks(shown.lasts) == movie_ticks(end - shown.starts);
  }
  // Anything after the edit's end is cut off by players.
  good = good && times.back() < shown.starts + shown.lasts;
  checks.push_back({"timestamps", good,
                    times.empty() ? "none"
                                  : fine_seconds_text(Timestamp{times.front(), boxes.base()}.seconds()) + " to " +
                                        fine_seconds_text(Timestamp{shown.starts + shown.lasts, boxes.base()}.seconds()) +
                                        (plan ? good ? ", each as planned" : ", not as planned" : "")});
}

void check_decode_times(const Mp4Presentation& shown, std::vector<Check>& checks) {
  std::size_t bad = 0;
  for (std::size_t i = 0; i < shown.samples.size(); ++i) {
    const Mp4Sample& sample = shown.samples[i];
    if (sample.duration < 1 || sample.dts > sample.pts) ++bad;
  }
  checks.push_back(
      {"decode times", bad == 0,
       bad == 0 ? "rising, never after the presentation" : count_of(bad, "frame") + " decoded too late or for no time"});
}

void check_keys(const Mp4Track& boxes, const Mp4Presentation& shown, const RenditionPlan* plan, std::vector<Check>& checks) {
  std::vector<bool> keys(shown.samples.size(), boxes.every_sample_is_key);
  bool good = true;
  for (const std::uint32_t key : boxes.keys) {
    if (key < 1 || key > keys.size()) {
      good = false;
    } else {
      keys[key - 1] = true;
    }
  }
  good = good && !keys.empty() && keys.front();
  const auto count = static_cast<std::uint64_t>(std::count(keys.begin(), keys.end(), true));
  if (plan) {
    const auto planned_keys = static_cast<std::uint64_t>(
        std::count_if(plan->frames.begin(), plan->frames.end(), [](const PlannedFrame& f) { return f.key; }));
    good = good && count == planned_keys;
    for (std::size_t i = 0; good && i < keys.size(); ++i) {
      const auto frame = std::lower_bound(plan->frames.begin(), plan->frames.end(), shown.samples[i].pts,
                                          [&](const PlannedFrame& f, std::int64_t pts) { return f.pts * plan->base.num < pts; });
      good = frame != plan->frames.end() && frame->key == keys[i];
    }
  }
  checks.push_back(
      {"key frames", good, count_of(count, "key frame") + (plan ? good ? ", where planned" : ", not where planned" : "")});
}

}  // namespace

void check_frames(const FinishedFile& file, std::vector<Check>& checks) {
  if (!file.video) return;
  const Mp4Track& boxes = *file.video->boxes;
  const Mp4Presentation& shown = file.video->shown;
  const RenditionPlan* const plan = file.planned_video();
  checks.push_back({"frames", plan ? shown.samples.size() == plan->frames.size() : !shown.samples.empty(),
                    count_of(shown.samples.size(), "frame") + (plan ? ", planned " + std::to_string(plan->frames.size()) : "")});
  check_times(file.layout, boxes, shown, plan, checks);
  check_decode_times(shown, checks);
  check_keys(boxes, shown, plan, checks);
  checks.push_back(one_description("description", boxes));
  checks.push_back({"rotation", boxes.upright, boxes.upright ? "none" : "the track has a matrix"});
  if (!boxes.entries.empty()) {
    const Mp4SampleEntry& entry = boxes.entries.front();
    checks.push_back({"size", !plan || (entry.width == plan->width && entry.height == plan->height),
                      std::to_string(entry.width) + "x" + std::to_string(entry.height)});
  }
}

}  // namespace gopmill
