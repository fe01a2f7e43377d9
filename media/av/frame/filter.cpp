#include "media/av/frame/filter.h"

extern "C" {
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
}

#include <string>

#include "base/check.h"
#include "media/av/frame/scale_step.h"
#include "media/av/handles.h"
#include "media/signal/tone_map.h"

namespace gopmill::av {

namespace {

constexpr std::int64_t kUnseen = -1;  // no frame's index

std::string upright(const Orientation& orientation) {
  std::string filters;
  switch (orientation.quarter_turns) {
    case 1: filters += "transpose=clock,"; break;
    case 2: filters += "hflip,vflip,"; break;
    case 3: filters += "transpose=cclock,"; break;
    default: break;
  }
  if (orientation.mirrored) filters += "hflip,";  // in that order: Orientation says so
  return filters;
}

// Bars round what does not fill the whole frame.
std::string bars(const FrameBox& box, const FrameTarget& target) {
  if (box.width == target.width && box.height == target.height) return {};
  return ",pad=w=" + std::to_string(target.width) + ":h=" + std::to_string(target.height) + ":x=" + std::to_string(box.x) +
         ":y=" + std::to_string(box.y) + ":color=black";
}

std::string describe(const FrameFilter::Settings& settings, const AVFrame& frame) {
  std::string text = "[in]";
  if (settings.deinterlace) text += "bwdif=mode=send_frame:deint=interlaced,";
  text += upright(settings.orientation);
  text += "split=" + std::to_string(settings.targets.size());
  for (std::size_t i = 0; i < settings.targets.size(); ++i) text += "[s" + std::to_string(i) + "]";
  for (std::size_t i = 0; i < settings.targets.size(); ++i) {
    const std::string n = std::to_string(i);
    const FrameTarget& target = settings.targets[i];
    const FrameBox box =
        box_for(settings.shape, frame.width, frame.height, from_av(frame.sample_aspect_ratio), target.width, target.height);
    FrameTarget inner = target;
    inner.width = box.width;
    inner.height = box.height;
    text += ";[s" + n + "]" + scale_step(settings.colour, frame.format, inner) + bars(box, target) + "[out" + n + "]";
  }
  return text;
}

// The table for each target that is recoloured; targets that ask for the same share one, which takes 2 MB and 0.1 s.
std::vector<std::shared_ptr<const ColourTable>> tables_for(const std::vector<FrameTarget>& targets) {
  std::vector<std::shared_ptr<const ColourTable>> tables(targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (!targets[i].recolour) continue;
    for (std::size_t j = 0; j < i && !tables[i]; ++j) {
      if (targets[j].recolour == targets[i].recolour) tables[i] = tables[j];
    }
    if (!tables[i]) tables[i] = std::make_shared<const ColourTable>(*targets[i].recolour);
  }
  return tables;
}

template <class Sample>
void recolour(const ColourTable& table, const AVFrame& from, AVFrame& to) {
  Planes444 in{.width = from.width, .height = from.height};
  Planes420<Sample> out;
  for (std::size_t i = 0; i < 3; ++i) {
    in.samples[i] = reinterpret_cast<const std::uint16_t*>(from.data[i]);
    in.strides[i] = from.linesize[i] / static_cast<std::ptrdiff_t>(sizeof(std::uint16_t));
    out.samples[i] = reinterpret_cast<Sample*>(to.data[i]);
    out.strides[i] = to.linesize[i] / static_cast<std::ptrdiff_t>(sizeof(Sample));
  }
  table.convert(in, out);
}

// A new frame, since encoders keep theirs.
Result<Frame> recoloured(const ColourTable& table, const AVFrame& from, PixelFormat format) {
  Frame to = make_frame();
  to->width = from.width;
  to->height = from.height;
  to->format = format == PixelFormat::kYuv420p10 ? AV_PIX_FMT_YUV420P10LE : AV_PIX_FMT_YUV420P;
  if (av_frame_get_buffer(to.get(), 0) < 0) return fail(FaultKind::kMachine, "out of memory for a frame");
  if (format == PixelFormat::kYuv420p10) {
    recolour<std::uint16_t>(table, from, *to);
  } else {
    recolour<std::uint8_t>(table, from, *to);
  }
  return to;
}

struct InOut {
  AVFilterInOut* list = nullptr;
  ~InOut() { avfilter_inout_free(&list); }
  void add(const std::string& name, AVFilterContext* filter) {
    AVFilterInOut* entry = avfilter_inout_alloc();
    GOPMILL_CHECK(entry);
    entry->name = av_strdup(name.c_str());
    entry->filter_ctx = filter;
    entry->next = list;
    list = entry;
  }
};

}  // namespace

struct FrameFilter::State {
  Settings settings;
  std::vector<std::shared_ptr<const ColourTable>> tables;  // by target; null: not recoloured
  LastWords words;
  FilterGraph graph;
  AVFilterContext* source = nullptr;    // owned by graph
  std::vector<AVFilterContext*> sinks;  // owned by graph
  Frame out = make_frame();
  AVRational aspect{0, 1};
  int width = 0, height = 0, format = -1;  // of what the graph was built for

  Result<> build(const AVFrame& frame);
  Result<> begin_deinterlacing(const AVFrame& frame);
  Result<> pull(const OnFrame& on_frame);
};

Result<> FrameFilter::State::build(const AVFrame& frame) {
  sinks.clear();
  graph.reset(avfilter_graph_alloc());
  GOPMILL_CHECK(graph);
  graph->nb_threads = 1;
  const std::string arguments = "video_size=" + std::to_string(frame.width) + "x" + std::to_string(frame.height) +
                                ":pix_fmt=" + std::to_string(frame.format) + ":time_base=1/1:pixel_aspect=1/1";
  int error =
      avfilter_graph_create_filter(&source, avfilter_get_by_name("buffer"), "in", arguments.c_str(), nullptr, graph.get());
  InOut inputs;
  InOut outputs;
  outputs.add("in", source);
  for (std::size_t i = 0; i < settings.targets.size() && error >= 0; ++i) {
    const std::string name = "out" + std::to_string(i);
    AVFilterContext* sink = nullptr;
    error = avfilter_graph_create_filter(&sink, avfilter_get_by_name("buffersink"), name.c_str(), nullptr, nullptr, graph.get());
    sinks.push_back(sink);
    inputs.add(name, sink);
  }
  if (error >= 0)
    error = avfilter_graph_parse_ptr(graph.get(), describe(settings, frame).c_str(), &inputs.list, &outputs.list, nullptr);
  if (error >= 0) error = avfilter_graph_config(graph.get(), nullptr);
  if (error < 0) return std::unexpected(fault_of(FaultKind::kInput, "cannot scale the frame", error));
  aspect = frame.sample_aspect_ratio;
  width = frame.width;
  height = frame.height;
  format = frame.format;
  return {};
}

// The first frame that bwdif deinterlaces (libavfilter 5.1) is taken for the video's first: its neighbours are not asked, however many
// frames passed before it untouched. So one that nobody will see is deinterlaced first, or which frames are made without their neighbours would
// hang on where a segment begins. Where `frame`, the first there is, is combed itself, it is the one: the video's own first, or context.
Result<> FrameFilter::State::begin_deinterlacing(const AVFrame& frame) {
  if (!settings.deinterlace || frame.interlaced_frame) return {};
  const Frame unseen = make_frame();
  if (av_frame_ref(unseen.get(), &frame) < 0) return fail(FaultKind::kMachine, "out of memory for a frame");
  unseen->interlaced_frame = 1;
  unseen->pts = kUnseen;
  const int error = av_buffersrc_add_frame_flags(source, unseen.get(), AV_BUFFERSRC_FLAG_KEEP_REF | AV_BUFFERSRC_FLAG_PUSH);
  if (error < 0) return std::unexpected(fault_of(FaultKind::kMachine, "cannot deinterlace the frame", error));
  return {};
}

Result<> FrameFilter::State::pull(const OnFrame& on_frame) {
  for (std::size_t i = 0; i < sinks.size(); ++i) {
    for (;;) {
      const int error = av_buffersink_get_frame(sinks[i], out.get());
      if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) break;
      if (error < 0) return std::unexpected(fault_of(FaultKind::kMachine, "cannot scale the frame", error));
      // bwdif halves the time base; the index comes back in ours.
      const std::int64_t index = av_rescale_q(out->pts, av_buffersink_get_time_base(sinks[i]), {1, 1});
      if (index == kUnseen) {
        av_frame_unref(out.get());
        continue;
      }
      const Frame other = tables[i] ? TRY(recoloured(*tables[i], *out, settings.targets[i].format)) : nullptr;
      const auto outcome = on_frame(i, index, other ? *other : *out);
      av_frame_unref(out.get());
      if (!outcome) return outcome;
    }
  }
  return {};
}

FrameFilter::FrameFilter(Settings settings) : state_(std::make_unique<State>()) {
  state_->settings = std::move(settings);
  state_->tables = tables_for(state_->settings.targets);
}
FrameFilter::FrameFilter(FrameFilter&&) noexcept = default;
FrameFilter::~FrameFilter() = default;

Result<> FrameFilter::push(AVFrame& frame, std::int64_t index, const OnFrame& on_frame) {
  State& s = *state_;
  bool begins = false;
  if (!s.graph || frame.width != s.width || frame.height != s.height || frame.format != s.format ||
      av_cmp_q(frame.sample_aspect_ratio, s.aspect) != 0) {
    if (s.graph) TRY(finish(on_frame));
    TRY(s.build(frame));
    begins = true;
  }
  frame.pts = index;
  // Square by decree: sizes were computed for it. Colour is one answer for the whole file, whatever single frames say.
  frame.sample_aspect_ratio = {1, 1};
  frame.colorspace = static_cast<AVColorSpace>(s.settings.colour.matrix);
  if (begins) TRY(s.begin_deinterlacing(frame));
  const int error = av_buffersrc_add_frame_flags(s.source, &frame, AV_BUFFERSRC_FLAG_KEEP_REF | AV_BUFFERSRC_FLAG_PUSH);
  if (error < 0) return std::unexpected(fault_of(FaultKind::kMachine, "cannot scale the frame", error));
  return s.pull(on_frame);
}

Result<> FrameFilter::finish(const OnFrame& on_frame) {
  State& s = *state_;
  if (!s.graph) return {};
  const int error = av_buffersrc_add_frame_flags(s.source, nullptr, AV_BUFFERSRC_FLAG_PUSH);
  if (error < 0) return std::unexpected(fault_of(FaultKind::kMachine, "cannot finish scaling", error));
  TRY(s.pull(on_frame));
  s.graph.reset();
  return {};
}

}  // namespace gopmill::av
