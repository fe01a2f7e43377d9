#pragma once

#include <vector>

#include "media/steps/verify/finished_file.h"
#include "media/task/task.h"

// Each adds what it found to `checks`; nothing where its question does not arise. media/steps/verify.cpp has the list in which
// they are asked. A check of a new kind is one more function here, in a file that says its kind.

namespace gopmill {

// ---- By the boxes ----

// structure_checks.cpp
void check_boxes(const FinishedFile& file, std::vector<Check>& checks);
void check_tracks(const FinishedFile& file, std::vector<Check>& checks);
void check_codecs(const FinishedFile& file, std::vector<Check>& checks);
// frame_checks.cpp
void check_frames(const FinishedFile& file, std::vector<Check>& checks);
// audio_checks.cpp
void check_audio(const FinishedFile& file, std::vector<Check>& checks);
void check_audio_choice(const FinishedFile& file, std::vector<Check>& checks);
void check_offsets(const FinishedFile& file, std::vector<Check>& checks);

// ---- By libav, once listen() has heard the file ----

// side_track_check.cpp
void check_side_tracks(const FinishedFile& file, std::vector<Check>& checks);
// reading_checks.cpp
void check_reading(const FinishedFile& file, std::vector<Check>& checks);
void check_format(const FinishedFile& file, std::vector<Check>& checks);
void check_buffer(const FinishedFile& file, std::vector<Check>& checks);
void check_decoding(const FinishedFile& file, std::vector<Check>& checks);
// colour_check.cpp: whether the file says of its colours what is planned, in the boxes of its sample entry and in the tags of
// its first frame. Without a plan both must only agree.
void check_colour(const FinishedFile& file, std::vector<Check>& checks);

}  // namespace gopmill
