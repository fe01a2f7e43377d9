#include "coordinator/plan/plan_outputs.h"

#include <set>
#include <utility>

namespace gopmill {
namespace {

// "eng", "eng.forced", "eng.2"
std::string variant_of(const TextTrack& track, std::set<std::string>& taken) {
  const std::string kind = (track.language.empty() ? "und" : track.language) + (track.is_forced ? ".forced" : "");
  std::string variant = kind;
  for (int number = 2; !taken.insert(variant).second; ++number) variant = kind + "." + std::to_string(number);
  return variant;
}

}  // namespace

Result<std::vector<PlannedOutput>> plan_outputs(const Plan& plan, const std::string& output_base) {
  std::vector<PlannedOutput> outputs;
  std::set<std::string> paths;
  const auto add = [&](OutputKind kind, std::uint32_t of, const OutputFields& fields) -> Result<> {
    std::string path = TRY(output_path(kind, fields));
    if (!paths.insert(path).second) return fail(FaultKind::kInput, "two outputs would be called " + path);
    outputs.push_back({kind, std::move(path), of});
    return {};
  };
  std::uint32_t number = 0;
  for (const PlannedRendition& rendition : plan.renditions)
    TRY(add(OutputKind::kRendition, number++, {{"base", output_base}, {"rendition", rendition.file.name}}));
  std::set<std::string> taken;
  number = 0;
  for (const TextTrack& track : plan.text_files)
    TRY(add(OutputKind::kSubtitles, number++, {{"base", output_base}, {"variant", variant_of(track, taken)}}));
  TRY(add(OutputKind::kReport, 0, {}));
  return outputs;
}

}  // namespace gopmill
