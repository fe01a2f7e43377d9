#include "tests/support/burnt.h"

extern "C" {
#include <libavutil/pixdesc.h>
}

#include "base/check.h"
#include "media/av/frame/burn.h"
#include "media/av/handles.h"

namespace gopmill::test {

std::vector<BurntPlane> burnt(const GreyFrame& grey, const Bitmap& bitmap, Colour colour) {
  const av::Frame drawn = av::make_frame();
  drawn->width = grey.width;
  drawn->height = grey.height;
  drawn->format = av_get_pix_fmt(grey.pixel_format.c_str());
  GOPMILL_CHECK(av_frame_get_buffer(drawn.get(), 0) >= 0);
  const AVPixFmtDescriptor& format = *av_pix_fmt_desc_get(static_cast<AVPixelFormat>(drawn->format));
  std::vector<BurntPlane> planes;
  const bool wide = format.comp[0].depth > 8;
  for (int i = 0; i < format.nb_components; ++i) {
    BurntPlane plane;
    plane.width = i == 0 ? grey.width : AV_CEIL_RSHIFT(grey.width, format.log2_chroma_w);
    plane.height = i == 0 ? grey.height : AV_CEIL_RSHIFT(grey.height, format.log2_chroma_h);
    for (int y = 0; y < plane.height; ++y) {
      for (int x = 0; x < plane.width; ++x) {
        std::uint8_t* row = drawn->data[i] + static_cast<std::ptrdiff_t>(y) * drawn->linesize[i];
        if (wide) {
          reinterpret_cast<std::uint16_t*>(row)[x] = grey.value;
        } else {
          row[x] = static_cast<std::uint8_t>(grey.value);
        }
      }
    }
    planes.push_back(std::move(plane));
  }
  const std::vector<Overlay> overlays = {{0, 1, bitmap}};
  av::Burner burner(overlays, colour);
  GOPMILL_CHECK(burner.burn(*drawn, 0));
  for (std::size_t i = 0; i < planes.size(); ++i) {
    for (int y = 0; y < planes[i].height; ++y) {
      const std::uint8_t* row = drawn->data[i] + static_cast<std::ptrdiff_t>(y) * drawn->linesize[i];
      for (int x = 0; x < planes[i].width; ++x)
        planes[i].samples.push_back(wide ? reinterpret_cast<const std::uint16_t*>(row)[x] : row[x]);
    }
  }
  return planes;
}

std::string vobsub_packet(int x, int y, int width, int height, int lasts_ms) {
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_DVD_SUBTITLE);
  av::CodecContext context(avcodec_alloc_context3(codec));
  context->width = 720;
  context->height = 480;
  context->time_base = {1, 1000};
  GOPMILL_CHECK(avcodec_open2(context.get(), codec, nullptr) >= 0);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), 1);
  std::vector<std::uint32_t> palette = {0x00000000, 0xFFFFFFFF, 0xFF000000, 0xFF808080};
  AVSubtitleRect rect{};
  rect.type = SUBTITLE_BITMAP;
  rect.x = x;
  rect.y = y;
  rect.w = width;
  rect.h = height;
  rect.nb_colors = static_cast<int>(palette.size());
  rect.data[0] = pixels.data();
  rect.linesize[0] = width;
  rect.data[1] = reinterpret_cast<std::uint8_t*>(palette.data());
  AVSubtitleRect* rects[] = {&rect};
  AVSubtitle subtitle{};
  subtitle.num_rects = 1;
  subtitle.rects = rects;
  subtitle.end_display_time = static_cast<std::uint32_t>(lasts_ms);
  std::string packet(4096, '\0');
  const int size = avcodec_encode_subtitle(context.get(), reinterpret_cast<std::uint8_t*>(packet.data()),
                                           static_cast<int>(packet.size()), &subtitle);
  GOPMILL_CHECK(size > 0);
  packet.resize(static_cast<std::size_t>(size));
  return packet;
}

}  // namespace gopmill::test
