#include "media/av/hdr.h"

extern "C" {
#include <libavutil/dovi_meta.h>
#include <libavutil/mastering_display_metadata.h>
}

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "media/av/handles.h"

namespace gopmill::av {

namespace {

constexpr int kChromaticityUnits = 50'000;  // per 1
constexpr int kLuminanceUnits = 10'000;     // per cd/m2

// In integer units; what is no number or out of range becomes 0, which no display has.
template <class T>
T in_units(AVRational value, int units) {
  if (value.den == 0) return 0;
  const double scaled = std::round(av_q2d(value) * units);
  return scaled >= 0 && scaled <= std::numeric_limits<T>::max() ? static_cast<T>(scaled) : 0;
}

Chromaticity point(const AVRational (&xy)[2]) {
  return {in_units<std::uint16_t>(xy[0], kChromaticityUnits), in_units<std::uint16_t>(xy[1], kChromaticityUnits)};
}

std::optional<MasteringDisplay> mastering_of(const AVMasteringDisplayMetadata& data) {
  if (!data.has_luminance) return std::nullopt;
  MasteringDisplay display{.luminance_max = in_units<std::uint32_t>(data.max_luminance, kLuminanceUnits),
                           .luminance_min = in_units<std::uint32_t>(data.min_luminance, kLuminanceUnits)};
  if (data.has_primaries) {
    display.red = point(data.display_primaries[0]);
    display.green = point(data.display_primaries[1]);
    display.blue = point(data.display_primaries[2]);
    display.white = point(data.white_point);
  }
  return display;
}

std::uint16_t nits(unsigned value) { return static_cast<std::uint16_t>(std::min(value, 65535U)); }

ContentLight light_of(const AVContentLightMetadata& data) { return {nits(data.MaxCLL), nits(data.MaxFALL)}; }

// Profile 5 and its AV1 sibling 10.0 hold IPT in PQ, and 20 two eyes' frames of the kind: without their dynamic metadata all is green
// and violet. Compatibility 0 says so; files older than that field have 0 too, and then the profile decides.
HdrFacts::DolbyVision dolby_vision(int profile, int compatibility) {
  const bool unseeable = profile == 5 || ((profile == 10 || profile == 20) && compatibility == 0);
  return {profile, compatibility, !unseeable};
}

template <class T>
const T* side_data(const AVStream& stream, AVPacketSideDataType type) {
  std::size_t size = 0;
  const std::uint8_t* data = av_stream_get_side_data(&stream, type, &size);
  return data && size >= sizeof(T) ? reinterpret_cast<const T*>(data) : nullptr;
}

template <class T>
const T* side_data(const AVFrame& frame, AVFrameSideDataType type) {
  const AVFrameSideData* data = av_frame_get_side_data(&frame, type);
  return data && data->size >= sizeof(T) ? reinterpret_cast<const T*>(data->data) : nullptr;
}

template <class T>
bool add(AVStream& stream, AVPacketSideDataType type, T* data, std::size_t size) {
  if (!data) return false;
  if (av_stream_add_side_data(&stream, type, reinterpret_cast<std::uint8_t*>(data), size) >= 0) return true;
  av_free(data);
  return false;
}

}  // namespace

HdrFacts hdr_of(const AVStream& stream) {
  HdrFacts facts;
  if (const auto* data = side_data<AVMasteringDisplayMetadata>(stream, AV_PKT_DATA_MASTERING_DISPLAY_METADATA))
    facts.mastering = mastering_of(*data);
  if (const auto* data = side_data<AVContentLightMetadata>(stream, AV_PKT_DATA_CONTENT_LIGHT_LEVEL))
    facts.light = light_of(*data);
  if (const auto* data = side_data<AVDOVIDecoderConfigurationRecord>(stream, AV_PKT_DATA_DOVI_CONF))
    facts.dolby_vision = dolby_vision(data->dv_profile, data->dv_bl_signal_compatibility_id);
  return facts;
}

HdrFacts hdr_of(const AVFrame& frame) {
  HdrFacts facts;
  if (const auto* data = side_data<AVMasteringDisplayMetadata>(frame, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA))
    facts.mastering = mastering_of(*data);
  if (const auto* data = side_data<AVContentLightMetadata>(frame, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL))
    facts.light = light_of(*data);
  if (const auto* data = side_data<AVDOVIMetadata>(frame, AV_FRAME_DATA_DOVI_METADATA)) {
    // No container said a profile (transport streams, raw HEVC). The base layer of full range is profile 5's mark; the others' show.
    const AVDOVIRpuDataHeader& header = *av_dovi_get_header(data);
    const bool five = header.vdr_rpu_profile == 0 && header.bl_video_full_range_flag != 0;
    facts.dolby_vision = dolby_vision(five ? 5 : 8, -1);
  }
  facts.hdr10_plus = av_frame_get_side_data(&frame, AV_FRAME_DATA_DYNAMIC_HDR_PLUS) != nullptr;
  return facts;
}

std::string dolby_vision_name(const HdrFacts::DolbyVision& dolby_vision) {
  std::string name = std::to_string(dolby_vision.profile);
  if (dolby_vision.compatibility >= 0) name += "." + std::to_string(dolby_vision.compatibility);
  return name;
}

bool attach(AVStream& stream, const std::optional<MasteringDisplay>& mastering, const std::optional<ContentLight>& light) {
  if (mastering) {
    AVMasteringDisplayMetadata* data = av_mastering_display_metadata_alloc();
    if (!data) return false;
    const Chromaticity points[3] = {mastering->red, mastering->green, mastering->blue};
    for (std::size_t i = 0; i < 3; ++i) {
      data->display_primaries[i][0] = {points[i].x, kChromaticityUnits};
      data->display_primaries[i][1] = {points[i].y, kChromaticityUnits};
    }
    data->white_point[0] = {mastering->white.x, kChromaticityUnits};
    data->white_point[1] = {mastering->white.y, kChromaticityUnits};
    data->max_luminance = {static_cast<int>(mastering->luminance_max), kLuminanceUnits};
    data->min_luminance = {static_cast<int>(mastering->luminance_min), kLuminanceUnits};
    data->has_luminance = data->has_primaries = 1;
    if (!add(stream, AV_PKT_DATA_MASTERING_DISPLAY_METADATA, data, sizeof *data)) return false;
  }
  if (light) {
    std::size_t size = 0;
    AVContentLightMetadata* data = av_content_light_metadata_alloc(&size);
    if (!data) return false;
    data->MaxCLL = light->max;
    data->MaxFALL = light->average_max;
    if (!add(stream, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, data, size)) return false;
  }
  return true;
}

}  // namespace gopmill::av
