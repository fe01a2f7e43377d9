#include <string>

#include "media/steps/verify/checks.h"

namespace gopmill {

namespace {

// Where chroma lies is not among what boxes say.
bool same(const Colour& a, const Colour& b) {
  return a.primaries == b.primaries && a.transfer == b.transfer && a.matrix == b.matrix && a.full_range == b.full_range;
}

std::string text_of(const Colour& colour) {
  return std::to_string(colour.primaries) + "/" + std::to_string(colour.transfer) + "/" + std::to_string(colour.matrix) +
         (colour.full_range ? ", full range" : "");
}

}  // namespace

void check_colour(const FinishedFile& file, std::vector<Check>& checks) {
  if (!file.video || !file.video->heard.frame || file.video->boxes->entries.empty()) return;
  const Mp4SampleEntry& entry = file.video->boxes->entries.front();
  const Colour& seen = file.video->heard.frame->colour;
  const RenditionPlan* const plan = file.planned_video();
  const Colour& expected = plan ? plan->colour : seen;
  // libavformat 5.1 writes no box unless all three are known (movenc.c, mov_write_colr_tag); then the stream says it alone.
  const bool all_known =
      expected.primaries != kUnspecified && expected.transfer != kUnspecified && expected.matrix != kUnspecified;
  bool good = same(seen, expected) && (entry.colour ? same(*entry.colour, expected) : !plan || !all_known);
  if (plan) good = good && entry.mastering == plan->mastering && entry.light == plan->light;
  std::string found = "primaries, transfer, matrix " + text_of(seen);
  if (entry.colour && !same(*entry.colour, seen)) found += ", by the boxes " + text_of(*entry.colour);
  if (entry.mastering) found += ", mastering display";
  if (entry.light) found += ", content light";
  checks.push_back({"colour", good, std::move(found)});
}

}  // namespace gopmill
