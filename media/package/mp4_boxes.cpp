// Long because: every box that is read and every box that is written is a few lines here and nowhere else.

#include "media/package/mp4_boxes.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>

#include "base/file.h"

namespace gopmill {

namespace {

constexpr std::uint32_t kBoxesMax = 10'000;         // in one parent; a finished file has five
constexpr std::uint64_t kSamplesMax = 100'000'000;  // ten days of AAC
constexpr std::uint64_t kEditEndless = UINT32_MAX;  // above this a duration needs version 1

std::uint64_t big_endian(std::string_view text, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<std::uint8_t>(text[at + i]);
  return value;
}

void put(std::string& to, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) to.push_back(static_cast<char>(value >> shift & 0xff));
}

std::unexpected<Fault> malformed(std::string_view type) {
  return fail(FaultKind::kInput, "the box '" + std::string(type) + "' is malformed");
}

// The content of a box, read from front to back. Reading past the end gives zeros and is remembered.
class Content {
 public:
  explicit Content(std::string_view text) : text_(text) {}
  std::uint64_t number(std::size_t bytes) {
    if (text_.size() - at_ < bytes) {
      ok_ = false;
      at_ = text_.size();
      return 0;
    }
    const std::uint64_t value = big_endian(text_, at_, bytes);
    at_ += bytes;
    return value;
  }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  void skip(std::size_t bytes) {
    if (text_.size() - at_ < bytes) ok_ = false;
    at_ = std::min(text_.size(), at_ + bytes);
  }
  [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

struct Child {
  std::string_view type;
  std::string_view content;
  std::string_view whole;
};

Result<std::vector<Child>> children_of(std::string_view text, std::string_view parent) {
  std::vector<Child> children;
  for (std::size_t at = 0; at < text.size();) {
    if (text.size() - at < 8 || children.size() >= kBoxesMax) return malformed(parent);
    std::uint64_t size = big_endian(text, at, 4);
    std::size_t head = 8;
    if (size == 1 && text.size() - at >= 16) {
      size = big_endian(text, at + 8, 8);
      head = 16;
    }
    if (size < head || size > text.size() - at) return malformed(parent);
    children.push_back({text.substr(at + 4, 4), text.substr(at + head, size - head), text.substr(at, size)});
    at += size;
  }
  return children;
}

const Child* find(const std::vector<Child>& children, std::string_view type) {
  const auto found = std::find_if(children.begin(), children.end(), [&](const Child& c) { return c.type == type; });
  return found == children.end() ? nullptr : &*found;
}

Result<std::vector<Mp4Run>> read_runs(const Child& box) {
  Content content(box.content);
  const bool is_signed = content.number(1) == 1 && box.type == "ctts";
  content.skip(3);
  const std::uint32_t count = content.u32();
  if (content.rest().size() / 8 < count) return malformed(box.type);
  std::vector<Mp4Run> runs(count);
  std::uint64_t samples = 0;
  for (Mp4Run& run : runs) {
    run.count = content.u32();
    const std::uint32_t value = content.u32();
    run.value = is_signed ? static_cast<std::int32_t>(value) : static_cast<std::int64_t>(value);
    samples += run.count;
  }
  if (samples > kSamplesMax) return malformed(box.type);
  return runs;
}

Result<std::vector<std::uint32_t>> read_keys(const Child& box) {
  Content content(box.content);
  content.skip(4);
  const std::uint32_t count = content.u32();
  if (content.rest().size() / 4 < count) return malformed(box.type);
  std::vector<std::uint32_t> keys(count);
  for (std::uint32_t& key : keys) key = content.u32();
  return keys;
}

Result<std::vector<Mp4Edit>> read_edits(const Child& box) {
  Content content(box.content);
  const std::size_t width = content.number(1) == 1 ? 8 : 4;
  content.skip(3);
  const std::uint32_t count = content.u32();
  if (content.rest().size() / (2 * width + 4) < count) return malformed(box.type);
  std::vector<Mp4Edit> edits(count);
  for (Mp4Edit& edit : edits) {
    edit.duration = content.number(width);
    const std::uint64_t media_time = content.number(width);
    edit.media_time =
        width == 8 ? static_cast<std::int64_t>(media_time) : static_cast<std::int32_t>(static_cast<std::uint32_t>(media_time));
    if (content.u32() != 0x10000) return fail(FaultKind::kInput, "an edit list that changes the speed");
  }
  return edits;
}

// ISO/IEC 14496-12 12.1.5 to 12.1.7.
Result<> read_colour_box(const Child& box, Mp4SampleEntry& entry) {
  Content content(box.content);
  const auto u16 = [&] { return static_cast<std::uint16_t>(content.number(2)); };
  if (box.type == "colr" && box.content.starts_with("nclx")) {
    content.skip(4);
    Colour& colour = entry.colour.emplace();
    for (std::uint8_t* code : {&colour.primaries, &colour.transfer, &colour.matrix}) *code = static_cast<std::uint8_t>(u16());
    colour.full_range = (content.number(1) & 0x80U) != 0;
  } else if (box.type == "mdcv") {
    MasteringDisplay& display = entry.mastering.emplace();
    for (Chromaticity* point : {&display.green, &display.blue, &display.red, &display.white}) {
      point->x = u16();
      point->y = u16();
    }
    display.luminance_max = content.u32();
    display.luminance_min = content.u32();
  } else if (box.type == "clli") {
    ContentLight& light = entry.light.emplace();
    light.max = u16();
    light.average_max = u16();
  }
  if (!content.ok()) return malformed(box.type);
  return {};
}

Result<std::vector<Mp4SampleEntry>> read_entries(const Child& box, const std::string& handler) {
  if (box.content.size() < 8) return malformed(box.type);
  std::vector<Mp4SampleEntry> entries;
  for (const Child& child : TRY(children_of(box.content.substr(8), box.type))) {
    Mp4SampleEntry entry;
    entry.type = child.type;
    if (handler != "vide" && handler != "soun") {
      entries.push_back(std::move(entry));
      continue;
    }
    Content content(child.content);
    content.skip(8);
    if (handler == "vide") {
      content.skip(16);
      entry.width = static_cast<int>(content.number(2));
      entry.height = static_cast<int>(content.number(2));
      content.skip(50);
    } else {
      content.skip(8);
      entry.channels = static_cast<int>(content.number(2));
      content.skip(10);
    }
    if (!content.ok()) return malformed(child.type);
    for (const Child& part : TRY(children_of(content.rest(), child.type))) {
      TRY(read_colour_box(part, entry));
      static constexpr std::string_view kConfigurations[] = {"avcC", "hvcC", "av1C", "vpcC", "esds", "dOps"};
      if (std::find(std::begin(kConfigurations), std::end(kConfigurations), part.type) == std::end(kConfigurations)) continue;
      entry.configuration_type = part.type;
      entry.configuration = part.content;
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<> read_sample_table(std::string_view text, Mp4Track& track) {
  const auto boxes = TRY(children_of(text, "stbl"));
  const Child* stsd = find(boxes, "stsd");
  const Child* stts = find(boxes, "stts");
  const Child* stsz = find(boxes, "stsz");
  if (!stsd || !stts || !stsz || stsz->content.size() < 12) return malformed("stbl");
  track.entries = TRY(read_entries(*stsd, track.handler));
  track.durations = TRY(read_runs(*stts));
  if (const Child* ctts = find(boxes, "ctts")) track.offsets = TRY(read_runs(*ctts));
  if (const Child* stss = find(boxes, "stss")) {
    track.every_sample_is_key = false;
    track.keys = TRY(read_keys(*stss));
  }
  track.samples = big_endian(stsz->content, 8, 4);
  return {};
}

// Flags and alternate group of tkhd: behind version, two dates, number, a reserved field and duration, which version 1 has in 64
// bits, come two reserved fields and the layer.
void read_choice(const Child& tkhd, Mp4Track& track) {
  Content content(tkhd.content);
  const bool wide = content.number(1) == 1;
  track.enabled = (content.number(3) & 1) != 0;
  content.skip(wide ? 32 : 20);
  content.skip(8 + 2);
  track.alternates = static_cast<std::uint32_t>(content.number(2));
}

// Three letters of five bits each, behind the duration of mdhd.
std::string language_of(Content after_timescale, bool wide) {
  after_timescale.skip(wide ? 8 : 4);
  const std::uint64_t packed = after_timescale.number(2);
  std::string language;
  for (const int shift : {10, 5, 0}) language += static_cast<char>((packed >> shift & 31) + 0x60);
  return language;
}

bool is_upright(const Child& tkhd) {
  static constexpr std::uint32_t kIdentity[9] = {0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000};
  Content content(tkhd.content);
  content.skip(content.number(1) == 1 ? 35 + 16 : 23 + 16);
  bool same = true;
  for (const std::uint32_t value : kIdentity) same = content.u32() == value && same;
  return same && content.ok();
}

Result<Mp4Track> read_track(std::string_view text) {
  Mp4Track track;
  const auto boxes = TRY(children_of(text, "trak"));
  const Child* tkhd = find(boxes, "tkhd");
  const Child* mdia = find(boxes, "mdia");
  if (!tkhd || !mdia) return malformed("trak");
  track.upright = is_upright(*tkhd);
  read_choice(*tkhd, track);
  if (const Child* edts = find(boxes, "edts")) {
    const auto lists = TRY(children_of(edts->content, "edts"));
    if (const Child* elst = find(lists, "elst")) track.edits = TRY(read_edits(*elst));
  }
  const auto media = TRY(children_of(mdia->content, "mdia"));
  const Child* mdhd = find(media, "mdhd");
  const Child* hdlr = find(media, "hdlr");
  const Child* minf = find(media, "minf");
  if (!mdhd || !hdlr || !minf || hdlr->content.size() < 12) return malformed("mdia");
  Content head(mdhd->content);
  const bool wide = head.number(1) == 1;
  head.skip(wide ? 19 : 11);
  track.timescale = head.u32();
  track.language = language_of(head, wide);
  if (!head.ok() || track.timescale == 0) return malformed("mdhd");
  track.handler = hdlr->content.substr(8, 4);
  if (const Child* udta = find(boxes, "udta")) {
    const auto said = TRY(children_of(udta->content, "udta"));
    if (const Child* name = find(said, "name")) track.name = name->content;
  }
  const auto info = TRY(children_of(minf->content, "minf"));
  const Child* stbl = find(info, "stbl");
  if (!stbl) return malformed("minf");
  TRY(read_sample_table(stbl->content, track));
  return track;
}

Result<std::vector<Mp4Box>> read_top_level(int file) {
  const std::uint64_t end = TRY(file_size(file));
  std::vector<Mp4Box> boxes;
  for (std::uint64_t at = 0; at < end;) {
    std::string head(16, '\0');
    head.resize(TRY(read_at(file, at, std::as_writable_bytes(std::span(head)))));
    if (head.size() < 8 || boxes.size() >= kBoxesMax) return fail(FaultKind::kInput, "the file ends inside a box");
    Mp4Box box{head.substr(4, 4), at, big_endian(head, 0, 4), 8};
    if (box.size == 1 && head.size() == 16) {
      box.size = big_endian(head, 8, 8);
      box.head = 16;
    }
    if (box.size == 0) box.size = end - at;
    if (box.size < box.head || box.size > end - at) return malformed(box.type);
    boxes.push_back(box);
    at += box.size;
  }
  return boxes;
}

}  // namespace

Result<Mp4Layout> read_mp4_layout(int file) {
  Mp4Layout layout;
  layout.boxes = TRY(read_top_level(file));
  const auto moov = std::find_if(layout.boxes.begin(), layout.boxes.end(), [](const Mp4Box& b) { return b.type == "moov"; });
  if (moov == layout.boxes.end()) return fail(FaultKind::kInput, "no 'moov' box");
  if (moov->size > kMoovBytesMax) return fail(FaultKind::kInput, "a 'moov' box of " + std::to_string(moov->size) + " bytes");
  std::string text(moov->size - moov->head, '\0');
  text.resize(TRY(read_at(file, moov->at + moov->head, std::as_writable_bytes(std::span(text)))));
  const auto boxes = TRY(children_of(text, "moov"));
  const Child* mvhd = find(boxes, "mvhd");
  if (!mvhd) return malformed("moov");
  Content head(mvhd->content);
  head.skip(head.number(1) == 1 ? 19 : 11);
  layout.timescale = head.u32();
  if (!head.ok() || layout.timescale == 0) return malformed("mvhd");
  for (const Child& box : boxes) {
    if (box.type == "trak") layout.tracks.push_back(TRY(read_track(box.content)));
  }
  return layout;
}

Result<Mp4Presentation> presentation_of(const Mp4Layout& layout, const Mp4Track& track) {
  Mp4Presentation shown;
  std::int64_t media_end = 0;
  // Each sample has a byte of media or an entry in a table: a count above the file's own bytes is a lie.
  std::uint64_t bytes = 0;
  for (const Mp4Box& box : layout.boxes) bytes += box.size;
  if (track.samples > bytes)
    return fail(FaultKind::kInput, std::to_string(track.samples) + " samples in a file of " + std::to_string(bytes) + " bytes");
  shown.samples.reserve(track.samples);
  for (const Mp4Run& run : track.durations) {
    if (run.count > track.samples - shown.samples.size())
      return fail(FaultKind::kInput, "the tables of durations and of sizes differ in length");
    for (std::uint32_t i = 0; i < run.count; ++i) {
      shown.samples.push_back({media_end, media_end, run.value});
      media_end += run.value;
    }
  }
  if (shown.samples.size() != track.samples)
    return fail(FaultKind::kInput, "the tables of durations and of sizes differ in length");
  std::size_t at = 0;
  std::int64_t last_shown = 0;
  for (const Mp4Run& run : track.offsets) {
    if (run.count > shown.samples.size() - at) return fail(FaultKind::kInput, "the table of offsets is too long");
    for (std::uint32_t i = 0; i < run.count; ++i) shown.samples[at++].pts += run.value;
  }
  for (const Mp4Sample& sample : shown.samples) last_shown = std::max(last_shown, sample.pts + sample.duration);
  const Rational movie{1, layout.timescale};
  shown.lasts = last_shown;
  if (!track.edits.empty()) {
    const bool waits = track.edits.front().media_time == -1;
    if (track.edits.size() != (waits ? 2U : 1U) || track.edits.back().media_time < 0) {
      return fail(FaultKind::kInput, "an edit list of " + std::to_string(track.edits.size()) + " entries");
    }
    const Mp4Edit& play = track.edits.back();
    const auto ticks = [&](std::uint64_t duration) {
      const Timestamp exact{static_cast<std::int64_t>(duration), movie};
      const Timestamp rounded = exact.in(track.base());
      shown.exact = shown.exact && rounded == exact;
      return rounded.ticks;
    };
    if (waits) shown.starts = ticks(track.edits.front().duration);
    shown.skips = play.media_time;
    const std::int64_t there = last_shown - shown.skips;
    shown.lasts = there > 0 && rescale(there, track.base(), movie, Rounding::kUp) == static_cast<std::int64_t>(play.duration)
                      ? there
                      : rescale(static_cast<std::int64_t>(play.duration), movie, track.base(), Rounding::kDown);
  }
  for (Mp4Sample& sample : shown.samples) {
    sample.dts += shown.starts - shown.skips;
    sample.pts += shown.starts - shown.skips;
  }
  return shown;
}

namespace {

std::string box(std::string_view type, const std::string& content) {
  std::string text;
  put(text, content.size() + 8, 4);
  text += type;
  return text + content;
}

// mvhd and tkhd: version and flags, two dates, `fixed` bytes, the duration, the rest. Version 1 has 64-bit dates and duration.
Result<std::string> with_duration(const Child& header, std::size_t fixed, std::uint64_t duration) {
  Content content(header.content);
  const bool wide = content.number(1) == 1;
  const std::uint64_t flags = content.number(3);
  const std::uint64_t created = content.number(wide ? 8 : 4);
  const std::uint64_t changed = content.number(wide ? 8 : 4);
  const std::string middle(content.rest().substr(0, fixed));
  content.skip(fixed);
  content.skip(wide ? 8 : 4);
  if (!content.ok()) return malformed(header.type);
  const int width = duration > kEditEndless ? 8 : 4;
  std::string text;
  put(text, width == 8 ? 1 : 0, 1);
  put(text, flags, 3);
  put(text, created, width);
  put(text, changed, width);
  text += middle;
  put(text, duration, width);
  text += content.rest();
  return box(header.type, text);
}

std::string edit_list(const TrackEdit& edit) {
  const bool wide = edit.starts > INT32_MAX || edit.lasts > INT32_MAX || edit.media_time > INT32_MAX;
  const int width = wide ? 8 : 4;
  std::string text;
  put(text, wide ? 1 : 0, 1);
  put(text, 0, 3);
  put(text, edit.starts > 0 ? 2 : 1, 4);
  if (edit.starts > 0) {
    put(text, edit.starts, width);
    put(text, UINT64_MAX, width);
    put(text, 0x10000, 4);
  }
  put(text, edit.lasts, width);
  put(text, edit.media_time, width);
  put(text, 0x10000, 4);
  return box("edts", box("elst", text));
}

}  // namespace

Result<std::string> with_edit_lists(const std::string& moov, const std::vector<TrackEdit>& edits, const std::string& user_data) {
  std::uint64_t movie_duration = 0;
  std::string kept;
  for (const TrackEdit& edit : edits) movie_duration = std::max(movie_duration, edit.starts + edit.lasts);
  std::string movie;
  std::size_t track = 0;
  for (const Child& child : TRY(children_of(std::string_view(moov).substr(std::min<std::size_t>(8, moov.size())), "moov"))) {
    if (child.type == "mvhd") {
      movie += TRY(with_duration(child, 4, movie_duration));
    } else if (child.type == "trak") {
      if (track == edits.size()) return malformed("moov");
      const TrackEdit& edit = edits[track++];
      std::string text;
      for (const Child& part : TRY(children_of(child.content, "trak"))) {
        if (part.type == "edts") return malformed("trak");
        text += part.type == "tkhd" ? TRY(with_duration(part, 8, edit.starts + edit.lasts)) + edit_list(edit)
                                    : std::string(part.whole);
      }
      movie += box("trak", text);
    } else if (child.type == "udta") {
      for (const Child& part : TRY(children_of(child.content, "udta"))) {
        if (part.type == "chpl") kept += part.whole;
      }
    } else {
      movie += child.whole;
    }
  }
  kept += user_data;
  if (!kept.empty()) movie += box("udta", kept);
  if (track != edits.size()) return malformed("moov");
  return box("moov", movie);
}

}  // namespace gopmill
