#include "media/steps/verify/side_track_check.h"

#include <algorithm>

#include "media/package/mp4_metadata.h"
#include "media/steps/verify/checks.h"
#include "media/text/language.h"

namespace gopmill {

namespace {

constexpr Rational kMs{1, 1000};

}  // namespace

bool SideTrackCheck::take(const Mp4Layout& layout, const Mp4Track& track, std::uint32_t stream) {
  if (track.handler == "text" && !chapters_) {
    chapters_ = stream;
    return true;
  }
  if (track.handler != "sbtl") return false;
  Text& text = texts_[stream];
  text.boxes = &track;
  const auto shown = presentation_of(layout, track);
  if (!shown) {
    text.fault = shown.error().text;
    return true;
  }
  for (const Mp4Sample& sample : shown->samples) text.times.emplace_back(sample.pts, sample.duration);
  if (shown->starts != 0 || shown->skips != 0 || !shown->exact) text.fault = "it does not start at 0";
  return true;
}

void SideTrackCheck::hear(std::uint32_t stream, const JournalPacket& packet) {
  if (const auto text = texts_.find(stream); text != texts_.end()) text->second.samples.push_back(packet.bytes);
}

std::string SideTrackCheck::text_fault(const Text& text, const TextTrack& planned) const {
  if (!text.fault.empty()) return text.fault;
  const auto samples = text_samples(planned);
  if (!samples) return samples.error().text;
  if (text.boxes->base() != kMs) return "its time is not in milliseconds";
  if (text.samples.size() != samples->size() || text.times.size() != samples->size())
    return count_of(text.samples.size(), "sample") + ", planned " + std::to_string(samples->size());
  for (std::size_t i = 0; i < samples->size(); ++i) {
    const TextSample& sample = (*samples)[i];
    if (text.samples[i] != sample.bytes || text.times[i] != std::pair(sample.start, sample.duration))
      return "sample " + std::to_string(i) + " is not the one planned";
  }
  return {};
}

void SideTrackCheck::check_texts(std::vector<Check>& checks) const {
  if (texts_.empty() && (!plan_ || plan_->side_tracks.subtitles.empty())) return;
  std::string found = count_of(texts_.size(), "text track");
  bool good = true;
  if (plan_) {
    good = texts_.size() == plan_->side_tracks.subtitles.size();
    auto planned = plan_->side_tracks.subtitles.begin();
    for (const auto& [stream, text] : texts_) {
      if (planned == plan_->side_tracks.subtitles.end()) break;
      std::string fault = text_fault(text, *planned);
      const std::string language = iso639_2(planned->language);
      if (fault.empty() && (text.boxes->language != (language.empty() ? "und" : language) || text.boxes->name != planned->title))
        fault = "its language or name is not the one planned";
      ++planned;
      good = good && fault.empty();
      if (!fault.empty()) found += "; track " + std::to_string(stream) + ": " + fault;
    }
    if (good) found += ", as planned";
  }
  checks.push_back({"subtitles", good, found});
}

void SideTrackCheck::check_chapters(const av::Claims& claims, std::vector<Check>& checks) const {
  if (claims.chapters.empty() && (!plan_ || plan_->side_tracks.chapters.empty())) return;
  bool good = true;
  if (plan_) {
    const std::vector<Chapter>& planned = plan_->side_tracks.chapters;
    // libav's own times of a text track are in the movie's ticks, and Nero's list counts 100 ns.
    good = chapters_.has_value() && std::ranges::equal(claims.chapters, planned, [](const av::ChapterClaim& a, const Chapter& b) {
             return rescale(a.start, a.base, kMs) == b.start && a.title == b.title;
           });
  }
  checks.push_back({"chapters", good,
                    count_of(claims.chapters.size(), "chapter") + (!plan_ ? ""
                                                                   : good ? ", as planned"
                                                                          : ", not as planned")});
}

void SideTrackCheck::check_tags(const av::Claims& claims, std::vector<Check>& checks) const {
  if (!plan_) {
    checks.push_back({"tags", true, count_of(claims.tags.size(), "tag")});
    return;
  }
  const SideTrackPlan& planned = plan_->side_tracks;
  const std::string wrong = claims.tags != planned.tags || claims.tags_left_out > 0        ? "tags"
                            : claims.created_unix_s != planned.created_unix_s              ? "date"
                            : claims.location != planned.location                          ? "place"
                            : claims.cover.has_value() != planned.cover.has_value()        ? "cover"
                            : planned.cover && claims.cover->bytes != planned.cover->bytes ? "cover"
                                                                                           : "";
  std::string found = count_of(claims.tags.size(), "tag");
  if (claims.created_unix_s) found += ", a date";
  if (!claims.location.empty()) found += ", a place";
  if (claims.cover) found += ", a cover";
  checks.push_back({"tags", wrong.empty(), found + (wrong.empty() ? ", as planned" : ", not as planned: the " + wrong)});
}

std::vector<Check> SideTrackCheck::finish(const av::Claims& claims) const {
  std::vector<Check> checks;
  check_texts(checks);
  check_chapters(claims, checks);
  check_tags(claims, checks);
  return checks;
}

void check_side_tracks(const FinishedFile& file, std::vector<Check>& checks) {
  for (Check& found : file.side_tracks.finish(file.heard.claims)) checks.push_back(std::move(found));
}

}  // namespace gopmill
