// Reads the structure of a file: its boxes, its tracks and their tables.

#include <algorithm>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/file.h"
#include "media/package/box_bytes.h"
#include "media/package/mp4_boxes.h"

namespace gopmill {

namespace {

constexpr std::uint64_t kSamplesMax = 100'000'000;  // ten days of AAC

Result<std::vector<Mp4Run>> read_runs(const ChildBox& box) {
  BoxContent content(box.content);
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

Result<std::vector<std::uint32_t>> read_keys(const ChildBox& box) {
  BoxContent content(box.content);
  content.skip(4);
  const std::uint32_t count = content.u32();
  if (content.rest().size() / 4 < count) return malformed(box.type);
  std::vector<std::uint32_t> keys(count);
  for (std::uint32_t& key : keys) key = content.u32();
  return keys;
}

Result<std::vector<Mp4Edit>> read_edits(const ChildBox& box) {
  BoxContent content(box.content);
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
Result<> read_colour_box(const ChildBox& box, Mp4SampleEntry& entry) {
  BoxContent content(box.content);
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

Result<std::vector<Mp4SampleEntry>> read_entries(const ChildBox& box, const std::string& handler) {
  if (box.content.size() < 8) return malformed(box.type);
  std::vector<Mp4SampleEntry> entries;
  for (const ChildBox& child : TRY(children_of(box.content.substr(8), box.type))) {
    Mp4SampleEntry entry;
    entry.type = child.type;
    if (handler != "vide" && handler != "soun") {
      entries.push_back(std::move(entry));
      continue;
    }
    BoxContent content(child.content);
    content.skip(8);
    if (handler == "vide") {
      content.skip(16);
      entry.width = static_cast<int>(content.number(2));
      entry.height = static_cast<int>(content.number(2));
      content.skip(50);
    } else {
      content.skip(20);
    }
    if (!content.ok()) return malformed(child.type);
    for (const ChildBox& part : TRY(children_of(content.rest(), child.type))) {
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
  const ChildBox* stsd = find_box(boxes, "stsd");
  const ChildBox* stts = find_box(boxes, "stts");
  const ChildBox* stsz = find_box(boxes, "stsz");
  if (!stsd || !stts || !stsz || stsz->content.size() < 12) return malformed("stbl");
  track.entries = TRY(read_entries(*stsd, track.handler));
  track.durations = TRY(read_runs(*stts));
  if (const ChildBox* ctts = find_box(boxes, "ctts")) track.offsets = TRY(read_runs(*ctts));
  if (const ChildBox* stss = find_box(boxes, "stss")) {
    track.every_sample_is_key = false;
    track.keys = TRY(read_keys(*stss));
  }
  track.samples = big_endian(stsz->content, 8, 4);
  return {};
}

// Flags and alternate group of tkhd: behind version, two dates, number, a reserved field and duration, which version 1 has in 64
// bits, come two reserved fields and the layer.
void read_choice(const ChildBox& tkhd, Mp4Track& track) {
  BoxContent content(tkhd.content);
  const bool wide = content.number(1) == 1;
  track.enabled = (content.number(3) & 1) != 0;
  content.skip(wide ? 32 : 20);
  content.skip(8 + 2);
  track.alternates = static_cast<std::uint32_t>(content.number(2));
}

// Three letters of five bits each, behind the duration of mdhd.
std::string language_of(BoxContent after_timescale, bool wide) {
  after_timescale.skip(wide ? 8 : 4);
  const std::uint64_t packed = after_timescale.number(2);
  std::string language;
  for (const int shift : {10, 5, 0}) language += static_cast<char>((packed >> shift & 31) + 0x60);
  return language;
}

bool is_upright(const ChildBox& tkhd) {
  static constexpr std::uint32_t kIdentity[9] = {0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000};
  BoxContent content(tkhd.content);
  content.skip(content.number(1) == 1 ? 35 + 16 : 23 + 16);
  bool same = true;
  for (const std::uint32_t value : kIdentity) same = content.u32() == value && same;
  return same && content.ok();
}

Result<Mp4Track> read_track(std::string_view text) {
  Mp4Track track;
  const auto boxes = TRY(children_of(text, "trak"));
  const ChildBox* tkhd = find_box(boxes, "tkhd");
  const ChildBox* mdia = find_box(boxes, "mdia");
  if (!tkhd || !mdia) return malformed("trak");
  track.upright = is_upright(*tkhd);
  read_choice(*tkhd, track);
  if (const ChildBox* edts = find_box(boxes, "edts")) {
    const auto lists = TRY(children_of(edts->content, "edts"));
    if (const ChildBox* elst = find_box(lists, "elst")) track.edits = TRY(read_edits(*elst));
  }
  const auto media = TRY(children_of(mdia->content, "mdia"));
  const ChildBox* mdhd = find_box(media, "mdhd");
  const ChildBox* hdlr = find_box(media, "hdlr");
  const ChildBox* minf = find_box(media, "minf");
  if (!mdhd || !hdlr || !minf || hdlr->content.size() < 12) return malformed("mdia");
  BoxContent head(mdhd->content);
  const bool wide = head.number(1) == 1;
  head.skip(wide ? 19 : 11);
  track.timescale = head.u32();
  track.language = language_of(head, wide);
  if (!head.ok() || track.timescale == 0) return malformed("mdhd");
  track.handler = hdlr->content.substr(8, 4);
  if (const ChildBox* udta = find_box(boxes, "udta")) {
    const auto said = TRY(children_of(udta->content, "udta"));
    if (const ChildBox* name = find_box(said, "name")) track.name = name->content;
  }
  const auto info = TRY(children_of(minf->content, "minf"));
  const ChildBox* stbl = find_box(info, "stbl");
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
  const ChildBox* mvhd = find_box(boxes, "mvhd");
  if (!mvhd) return malformed("moov");
  BoxContent head(mvhd->content);
  head.skip(head.number(1) == 1 ? 19 : 11);
  layout.timescale = head.u32();
  if (!head.ok() || layout.timescale == 0) return malformed("mvhd");
  for (const ChildBox& box : boxes) {
    if (box.type == "trak") layout.tracks.push_back(TRY(read_track(box.content)));
  }
  return layout;
}

}  // namespace gopmill
