#include <nlohmann/json.hpp>

#include "views/report.h"

namespace gopmill {

namespace {

using Json = nlohmann::json;

ReportSummary::Rendition read_rendition(const Json& json) {
  ReportSummary::Rendition rendition{
      .name = json.value("name", ""),
      .file = json.value("file", ""),
      .bytes = json.value("bytes", std::uint64_t{0}),
      .frames = json.value("frames", std::uint64_t{0}),
      .seconds = json.value("seconds", 0.0),
      .bit_rate = json.value("video_bits_per_s", std::int64_t{0}) + json.value("audio_bits_per_s", std::int64_t{0})};
  for (const Json& check : json.value("checks", Json::array()))
    rendition.checks.push_back({check.value("name", ""), check.value("passed", false), check.value("found", "")});
  return rendition;
}

}  // namespace

Result<ReportSummary> read_report(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    ReportSummary summary;
    for (const Json& rendition : json.at("renditions")) summary.renditions.push_back(read_rendition(rendition));
    for (const Json& note : json.value("notes", Json::array())) summary.notes.push_back(note.get<std::string>());
    return summary;
  } catch (const Json::exception& error) {
    return fail(FaultKind::kInput, std::string("the report cannot be read: ") + error.what());
  }
}

}  // namespace gopmill
