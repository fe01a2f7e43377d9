#include "media/colour_check.h"

#include <string>

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

Check check_colour(const Mp4SampleEntry& entry, const Colour& seen, const RenditionPlan* plan) {
  const Colour boxes = entry.colour.value_or(Colour{});  // An entry without the box says that nothing is known.
  bool good = !entry.colour || same(boxes, seen);
  if (plan)
    good =
        same(seen, plan->colour) && same(boxes, plan->colour) && entry.mastering == plan->mastering && entry.light == plan->light;
  std::string found = "primaries, transfer, matrix " + text_of(seen);
  if (!same(boxes, seen)) found += ", by the boxes " + text_of(boxes);
  if (entry.mastering) found += ", mastering display";
  if (entry.light) found += ", content light";
  return {"colour", good, std::move(found)};
}

}  // namespace gopmill
