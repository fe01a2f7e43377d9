#include <nlohmann/json.hpp>

#include "views/report.h"

namespace gopmill {

namespace {

using Json = nlohmann::json;

// The largest count: up to here every reader of JSON takes numbers for whole (RFC 8259, 6), and sums of two stay in range.
constexpr std::uint64_t kCountMax = std::uint64_t{1} << 53;

// 0 where there is none. nlohmann turns any number into the type that is asked for, in its range or not.
std::uint64_t count_of(const Json& json, const char* key) {
  const Json value = json.value(key, Json(std::uint64_t{0}));
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kCountMax)
    throw Json::type_error::create(302, std::string(key) + " is no count", &json);
  return value.get<std::uint64_t>();
}

ReportSummary::Rendition read_rendition(const Json& json) {
  ReportSummary::Rendition rendition{
      .name = json.value("name", ""),
      .file = json.value("file", ""),
      .bytes = count_of(json, "bytes"),
      .frames = count_of(json, "frames"),
      .seconds = json.value("seconds", 0.0),
      .bit_rate = static_cast<std::int64_t>(count_of(json, "video_bits_per_s") + count_of(json, "audio_bits_per_s"))};
  for (const Json& check : json.value("checks", Json::array()))
    rendition.checks.push_back(
        {check.value("name", ""), check.value("passed", false), check.value("found", ""), check.value("advisory", false)});
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
