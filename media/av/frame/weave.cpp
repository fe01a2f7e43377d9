#include "media/av/frame/weave.h"

extern "C" {
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <array>

#include "base/check.h"
#include "media/av/handles.h"

namespace gopmill::av {

namespace {

struct Held {
  std::uint32_t place = UINT32_MAX;
  Frame frame = make_frame();
};

bool same_shape(const AVFrame& a, const AVFrame& b) { return a.width == b.width && a.height == b.height && a.format == b.format; }

Result<> copy_field(AVFrame& to, const AVFrame& from, int first_line) {
  const AVPixFmtDescriptor& format = *av_pix_fmt_desc_get(static_cast<AVPixelFormat>(to.format));
  for (int plane = 0; plane < av_pix_fmt_count_planes(static_cast<AVPixelFormat>(to.format)); ++plane) {
    const bool chroma = plane == 1 || plane == 2;
    const int height = chroma ? AV_CEIL_RSHIFT(to.height, format.log2_chroma_h) : to.height;
    const int bytes = av_image_get_linesize(static_cast<AVPixelFormat>(to.format), to.width, plane);
    if (bytes < 0) return fail(FaultKind::kInput, "fields of this pixel format cannot be woven");
    av_image_copy_plane(to.data[plane] + static_cast<std::ptrdiff_t>(first_line) * to.linesize[plane], 2 * to.linesize[plane],
                        from.data[plane] + static_cast<std::ptrdiff_t>(first_line) * from.linesize[plane],
                        2 * from.linesize[plane], bytes, (height - first_line + 1) / 2);
  }
  return {};
}

}  // namespace

void set_fields(AVFrame& frame, bool combed, bool top_first) {
  frame.interlaced_frame = combed ? 1 : 0;
  frame.top_field_first = top_first ? 1 : 0;
}

struct Weaver::State {
  const std::vector<WovenFrame>& woven;
  bool top_first;
  std::array<Held, 3> held{};  // the newest frames, by place modulo their number
  std::size_t next = 0;

  [[nodiscard]] const AVFrame* find(std::uint32_t place) const {
    const Held& one = held[place % held.size()];
    return one.place == place ? one.frame.get() : nullptr;
  }
  Result<> give(std::size_t index, const OnFrame& on_frame);
};

Result<> Weaver::State::give(std::size_t index, const OnFrame& on_frame) {
  const WovenFrame& wanted = woven[index];
  const AVFrame* top = find(wanted.top);
  const AVFrame* bottom = find(wanted.bottom);
  if (!top || !bottom) return {};
  const Frame whole = make_frame();
  // Fields of two sizes have no weave: a film frame that straddles a change of size is shown as the newer one has it.
  if (top == bottom || !same_shape(*top, *bottom)) {
    if (av_frame_ref(whole.get(), wanted.top > wanted.bottom ? top : bottom) < 0)
      return fail(FaultKind::kMachine, "out of memory for a frame");
  } else {
    whole->width = top->width;
    whole->height = top->height;
    whole->format = top->format;
    if (av_frame_get_buffer(whole.get(), 0) < 0 || av_frame_copy_props(whole.get(), top) < 0)
      return fail(FaultKind::kMachine, "out of memory for a frame");
    TRY(copy_field(*whole, *top, 0));
    TRY(copy_field(*whole, *bottom, 1));
  }
  set_fields(*whole, wanted.combed, top_first);
  return on_frame(static_cast<std::int64_t>(index), *whole);
}

Weaver::Weaver(const std::vector<WovenFrame>& woven, bool top_first) : state_(std::make_unique<State>(State{woven, top_first})) {}
Weaver::Weaver(Weaver&&) noexcept = default;
Weaver::~Weaver() = default;

Result<> Weaver::push(AVFrame& frame, std::uint32_t place, const OnFrame& on_frame) {
  State& s = *state_;
  Held& slot = s.held[place % s.held.size()];
  av_frame_unref(slot.frame.get());
  if (av_frame_ref(slot.frame.get(), &frame) < 0) return fail(FaultKind::kMachine, "out of memory for a frame");
  slot.place = place;
  while (s.next < s.woven.size() && std::max(s.woven[s.next].top, s.woven[s.next].bottom) <= place) {
    TRY(s.give(s.next, on_frame));
    ++s.next;
  }
  return {};
}

}  // namespace gopmill::av
