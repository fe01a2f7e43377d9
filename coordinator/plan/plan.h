#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/output_name.h"
#include "base/result.h"
#include "media/task/task.h"
#include "media/task/timeline.h"
#include "profiles/profile.h"

// The plan of a job. PURE: source facts and profile in, plan out; the same on every machine and at every hour, and
// nothing in it depends on how many workers there are.
//
// Every output frame of the job is decided here, once, for the whole file: its time on the output timeline and the
// source frame it shows. Time 0 is the first frame or the first audio sample, whichever comes first. Each rendition has an
// IDR at the first frame that reaches k x gop seconds (plan_frames.h), and at its first frame; a segment is the frames between two
// multiples of `segment` seconds, so it begins with an IDR and is a whole number of GOPs in every rendition. What a
// segment's task receives is a self-contained run of source packets: from a key packet early enough that every frame
// of it decodes right, to the last packet any of its frames needs.
// Why: docs/decisions/01-segments.md.
//
// Long source GOPs cost repeated decoding: a run may start long before its segment. Segments are made longer while decoding
// packets more than once would take more than kRepeatedDecodeMax of the job's work, as plan_cost.h estimates it, or while
// the source would have to be read more than kSplitReadsMax times over. That depends on the source and the profile alone: a
// video with one key packet is cut into as many segments as that allows, however many workers wait.
//
// The rules that callers can see:
// - Frames. A rendition shows every source frame at its own time, or, where fps_max is below the source's rate,
//   every k-th one with the smallest k that is within the limit; a source of variable rate loses only frames that come
//   before they are due, and none at all where no second has more than the limit: short bursts ask nothing of a decoder.
//   A rate up to 1 % above fps_max counts as fps_max. All renditions end when the video ends.
// - Constant rates. A rendition with `fps` has a frame at every n / fps, which shows the last frame that begins no later than
//   its middle: frames are doubled and left out on one grid for the whole job. It has a time base of its own.
// - Telecine. Of a source whose frames are film in fields, renditions show frames woven from the fields that belong
//   together (coordinator/plan/plan_film.h), at the source's times or, with `telecine: film`, at the film's constant rate.
// - Colour. As plan_colour.h says.
// - Segments. All renditions are cut at the same times. Where a rendition has no frame in a segment, and where the last
//   segment is shorter than a second or than ten frames, it is part of the one before it. Time without frames has no
//   task.
// - Runs. Each has every packet that its lead, body and tail frames show, and for interlaced sources also the frame on
//   each side of each of these. It starts at a clean key packet, at the second-last unclean one, or at packet 0. Of
//   sources with Evidence::kDecoded it has one packet more, for the second field of its last frame.
// - Audio. 48 kHz; AAC of sources whose rate is a multiple of 11025 Hz is 44.1 kHz. Six channels if the profile wants
//   and the source has them, else the least of what both have and 2. Of the tracks that the profile chooses, the one that
//   plays by default is first: the source's own default, or of listed languages the first that there is; if there is none,
//   the default track is carried. Every audio track keeps its offset from the video and from the others to half a sample: what
//   is earliest is at 0, or where audio is earlier than the video, less than a tick of the base of the video after it.

namespace gopmill {

// Share of a job's CPU that may go into decoding packets another segment decodes too, by estimate; so much below the 15 % that
// is promised because the estimate is that uncertain.
inline constexpr double kRepeatedDecodeMax = 0.12;
// Reading is cheap beside all else (a gigabyte takes a second), but a source may be larger than the page cache.
inline constexpr double kSplitReadsMax = 8;
// Per job; beyond, segments become longer. A day in segments of 4 s is 21,600. Bounds task lists and what is recorded
// of them.
inline constexpr std::uint32_t kSegmentsMax = 20'000;

// One rendition over the whole job.
struct PlannedRendition {
  RenditionPlan file;                    // frames, sizes, audio: what the finished file must be
  EncoderSettings encoder;               // as constructed for audio only
  std::optional<ColourChange> recolour;  // what its frames go through (plan_colour.h)
  std::string colour_done;               // the same for people
};

// One task: exactly the TaskRequest its input file carries is made by task_request().
struct PlannedTask {
  enum class Kind : std::uint8_t {
    kAudio,    // a whole audio track
    kMeasure,  // of a segment with a `bitrate:`; comes before all segments (plan_rate.h)
    kSegment,
  };
  Kind kind = Kind::kSegment;
  PacketRun run;
  double cost = 0;  // plan_cost.h
  std::uint32_t outputs = 1;
  double media_seconds = 0;  // of output timeline
  // Video: for each rendition, the range of its frames [first, end) that is this segment's body.
  struct Range {
    std::uint64_t first = 0, end = 0;
  };
  std::vector<Range> ranges;
};

// One file of the job. Its place in Plan::outputs is its number from here on: in the spool, in transfers, in the report and
// where it is delivered.
struct PlannedOutput {
  OutputKind kind{};
  std::string path;      // below the job's folder (base/output_name.h)
  std::uint32_t of = 0;  // kRendition: which of the renditions; kSubtitles: which of the text files
};

struct Plan {
  std::vector<PlannedRendition> renditions;  // as the profile orders them; an audio-only source has one without video
  std::vector<TextTrack> text_files;         // text tracks that become files of their own
  std::vector<PlannedOutput> outputs;        // every file of the job, the report last (coordinator/plan/plan_outputs.h)
  std::vector<PlannedTask>
      tasks;  // one for each of the audio_tracks, in their order, then measures, then segments, each in order
  std::vector<std::string> notes;  // dropped rungs, merged segments, audio that is not carried
  double seconds = 0;              // of output timeline
  double decode_ratio = 1;         // packets decoded / packets of the source
  double repeated_decode = 0;      // estimated share of the work: packets decoded more than once
  // For task_request(): per rendition and frame, which SourceFrame it shows, or which of `woven` where that is not empty.
  std::vector<std::vector<std::uint32_t>> shows;
  std::vector<WovenFrame> woven;  // of telecined sources: top and bottom are indices of SourceFrames
};

// A job without frames has one rendition, "audio". The source's own notes are not
// repeated. Takes time linear in the frames, once for each doubling of the segment length.
// kInput: nothing to transcode (neither video nor audio that the profile carries, or no frame decodes), limits
// exceeded, facts that contradict themselves: they may come from a child that its source has taken over.
Result<Plan> make_plan(const SourceFacts& source, const Profile& profile, const std::string& output_base);

// What one rendition's segment was granted of a bitrate.
struct SegmentRate {
  double quality = 0;  // to start from
  std::uint64_t budget_bytes = 0;
  double halving = 6;  // steps of quality that halve its size
};
// Task → rendition → its share; renditions coded by quality have none.
using SegmentRates = std::map<std::uint32_t, std::vector<std::optional<SegmentRate>>>;
// Task → bytes of each of its encodes.
using MeasuredSizes = std::map<std::uint32_t, std::vector<std::uint64_t>>;

// The shares of all segments, once every measure task has its sizes; nullopt before. A plan without measures has no shares and needs none.
std::optional<SegmentRates> segment_rates(const Plan& plan, const MeasuredSizes& sizes);

// The request of task `index` (below plan.tasks.size()), from the same source and profile that made the plan. Segment tasks
// carry lead and tail frames as the profile's joins ask. VideoTask::sources has one entry per wanted frame; where
// deinterlace is set, the entries next to a shown one are its neighbours in the source. Takes time linear in the segment,
// whatever the length of the source.
// `rates`: segment_rates(), which segments of plans with measures need.
TaskRequest task_request(const Plan& plan, const SourceFacts& source, const Profile& profile, std::uint32_t index,
                         const SegmentRates& rates = {});

// Tail frames an encoder looks at past the frame it is coding: what a segment needs after its end so that its last
// frames are coded as if the video went on. By codec, preset and the encoder options that change it; at most
// kLookaheadFramesMax (media/encoder/encoder_facts.h). Where the video ends, the tail does too.
std::uint32_t lookahead_frames(const EncoderSettings& encoder);

}  // namespace gopmill
