#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "media/child/parent_line.h"
#include "media/task/task.h"
#include "media/task/timeline.h"

// The kinds of media work, as a child does them: descriptors and a typed request in, a typed result out. Each runs
// in a process of its own (media/steps/child_main.cpp) and may be called directly by tests. Descriptors stay the caller's.
// Faults: kInput names what is wrong with the source and where; kMachine is worth another try elsewhere.

namespace gopmill {

// Reads every packet once, decodes a probe (or everything), and says what the source is. media/steps/analyse.cpp
Result<SourceFacts> analyse(int source, const AnalyseRequest& request, ParentLine& parent);

// Streams the source in file order and appends each run's packets to the file asked for; once, or as often as split_passes.h
// says. Never seeks: what a linear read gives is what the analysis counted. media/steps/split.cpp
Result<> split(int source, const SplitRequest& request, ParentLine& parent);

// Encodes one task: `input` is a task input file, `outputs` empty files that receive packet journals. media/steps/transcode.cpp,
// media/steps/audio.cpp
Result<TaskResult> run_task(int input, const std::vector<int>& outputs, ParentLine& parent);
Result<TaskResult> transcode(const VideoTask& task, int input, std::uint64_t journal_offset, const std::vector<int>& outputs,
                             ParentLine& parent);
Result<TaskResult> encode_audio(const AudioTask& task, int input, std::uint64_t journal_offset, int output, ParentLine& parent);

// Joins journals in plan order on the plan's timeline and writes one MP4, `moov` first, in one pass. media/steps/stitch.cpp
Result<FileReport> stitch(int file, const StitchRequest& request, ParentLine& parent);

// Writes a file that goes with the renditions: a text track as WebVTT. media/steps/text_file.cpp
Result<FileReport> package(int file, const PackageRequest& request);
// Reads it as a stranger and compares its cues with the plan's. verify() hands over to it. media/steps/text_file.cpp
Result<FileReport> verify_text_file(int file, const TextTrack& planned);

// Reads a finished file as a stranger would and compares it with the plan. media/steps/verify.cpp
Result<FileReport> verify(int file, const VerifyRequest& request, ParentLine& parent);
// The same without a plan: is the file whole, in order and decodable? kInput if it is no MP4. media/steps/verify.cpp
Result<FileReport> inspect_output(int file, bool decode, ParentLine& parent);

}  // namespace gopmill
