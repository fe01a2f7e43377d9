#include "media/av/allow_list.h"

#include <string>

namespace gopmill::av {

// Whoever hands in a source chooses which of FFmpeg's parsers reads it, so each parser that can be chosen is one that hostile
// bytes can aim at. Few can be: those of formats in wide use, which many others test and mend. The sandbox is the wall behind
// this one (docs/decisions/17-sandboxed-children.md).
//
// Demuxer::open hands both lists to libavformat, which then opens nothing else; Decoder::open asks decoder_allowed(), because
// libavcodec finds decoders by codec alone. Bitmap subtitles have a list of three in decode/subtitle_decoder.cpp.
const char* const kDemuxers =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,ogg,mxf,asf,mpegvideo,h264,hevc,ivf,"
    "obu,yuv4mpegpipe,gif,apng,"
    "wav,w64,aiff,mp3,aac,flac,ac3,eac3,amr,caf,dv";

const char* const kDecoders =
    "h264,hevc,av1,libdav1d,vp8,vp9,mpeg1video,mpeg2video,mpeg4,h263,h263p,h263i,flv,msmpeg4,msmpeg4v2,msmpeg4v1,wmv1,wmv2,wmv3,"
    "vc1,"
    "theora,mjpeg,prores,dnxhd,cfhd,dvvideo,ffv1,huffyuv,utvideo,rawvideo,v210,jpeg2000,cinepak,svq1,svq3,png,"
    "vp6,vp6f,vp6a,qtrle,msvideo1,tscc,gif,apng,"
    "aac,aac_latm,mp3,mp3float,mp2,mp2float,mp1,mp1float,opus,vorbis,flac,alac,ac3,eac3,dca,truehd,mlp,amrnb,amrwb,wmav1,wmav2,"
    "wmapro,"
    "pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_u8,pcm_s8,pcm_alaw,pcm_mulaw,"
    "pcm_bluray,pcm_dvd,adpcm_ima_wav,adpcm_ima_qt,adpcm_ms,adpcm_swf,nellymoser,speex";

bool decoder_allowed(std::string_view name) {
  const std::string list = std::string(",") + kDecoders + ",";
  return list.find("," + std::string(name) + ",") != std::string::npos;
}

}  // namespace gopmill::av
