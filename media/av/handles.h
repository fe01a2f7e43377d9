#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavfilter/avfilter.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
}

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "media/task/journal.h"

// libav's objects as owners. A C object goes into its handle in the statement that creates it. Only files of media/av/
// include this; everything outside sees the classes of demuxer.h, decoder.h, filter.h, encoder.h and muxer.h.

namespace gopmill::av {

template <auto Free>
struct FreeByAddress {
  template <class T>
  void operator()(T* object) const {
    Free(&object);
  }
};

using Packet = std::unique_ptr<AVPacket, FreeByAddress<av_packet_free>>;
using Frame = std::unique_ptr<AVFrame, FreeByAddress<av_frame_free>>;
using CodecContext = std::unique_ptr<AVCodecContext, FreeByAddress<avcodec_free_context>>;
using CodecParameters = std::unique_ptr<AVCodecParameters, FreeByAddress<avcodec_parameters_free>>;
using FilterGraph = std::unique_ptr<AVFilterGraph, FreeByAddress<avfilter_graph_free>>;

// Options by name, which libav takes out as it uses them: what is left afterwards, nobody took.
class Options {
 public:
  Options() = default;
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;
  ~Options() { av_dict_free(&dictionary_); }
  // The last value of a name counts.
  void set(const std::string& name, const std::string& value);
  void set(const std::string& name, std::int64_t value) { set(name, std::to_string(value)); }
  // One that is left; empty if none is.
  [[nodiscard]] std::string first() const;
  // For libav to take from.
  AVDictionary** address() { return &dictionary_; }

 private:
  AVDictionary* dictionary_ = nullptr;
};

Packet make_packet();
Frame make_frame();

// av_strerror's text.
std::string error_text(int error);

// Collects what libav logs while it lives, so that a fault can carry FFmpeg's own last words. libav's log callback is
// one per process: one LastWords at a time, which a media child (one thread of control) keeps by construction.
class LastWords {
 public:
  LastWords();
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;
  ~LastWords();
  // The newest warning or error since the last call to clear(), without its trailing newline; empty if there was none.
  [[nodiscard]] static std::string text();
  static void clear();
  // How often, ever, HEVC's decoder missed a frame that another one refers to: it makes one up and says so nowhere else (5.1).
  [[nodiscard]] static std::uint64_t missing_references();
};

// "what: error text (last words)".
Fault fault_of(FaultKind kind, const std::string& what, int error);

// Between libav's stream parameters and ours, both ways.
StreamParameters parameters_of(const AVCodecParameters& par, AVRational base);
Result<CodecParameters> to_codec_parameters(const StreamParameters& parameters);

inline AVRational to_av(Rational r) { return {static_cast<int>(r.num), static_cast<int>(r.den)}; }
inline Rational from_av(AVRational r) { return {r.num, r.den > 0 ? r.den : 1}; }

}  // namespace gopmill::av
