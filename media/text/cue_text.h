#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gopmill {

// The text of a subtitle, between what sources write and what players show. PURE; called on hostile bytes, and only in media
// children. Whatever goes in, what comes out is *cue text*: WebVTT of a small kind, which is also how gopmill keeps it.
// Why: docs/decisions/22-clean-text.md.
//
// - valid UTF-8 without control characters; what is none becomes U+FFFD or is left out
// - lines separated by '\n', none of them empty or with blanks at its ends: an empty line would end a cue
// - &amp; &lt; &gt; for & < >, so neither a tag nor "-->" can come from the text itself
// - <b>, <i> and <u>, properly nested, and no other tag
// - at most kCueBytesMax bytes, cut between characters

inline constexpr std::size_t kCueBytesMax = 4096;  // forty full lines; more is not read in the time it is shown

// SubRip: <b>, <i>, <u> and their ends; other tags it knows (<font…>, <s>, <c…>) and blocks such as {\an8} are left out.
// Anything else in angle brackets is text. subrip.cpp
std::string cue_text_of_subrip(std::string_view text);
// An event of ASS or SSA as Matroska stores it, fields and all: "0,0,Default,,0,0,0,,Text". Override blocks are read for \b, \i, \u
// and \r and otherwise left out; drawings are, too. ass.cpp
std::string cue_text_of_ass(std::string_view event);
// Cue text of WebVTT with its tags and entities. Voices, classes and times within a cue are left out. webvtt_cue.cpp
std::string cue_text_of_webvtt(std::string_view text);
// A sample of a timed text track (3GPP TS 26.245): a length, text in UTF-8 or UTF-16, boxes with styles. tx3g.cpp
std::string cue_text_of_tx3g(std::string_view sample);

// Is `text` cue text as above? The empty text is.
bool is_cue_text(std::string_view text);

// The settings of a WebVTT cue ("line:10% align:start") without those that are malformed or name a region. Empty: none.
// webvtt_cue.cpp
std::string cue_settings(std::string_view settings);

// `text` is cue text: a sample of a timed text track, the way back. An empty text gives the sample that shows nothing. tx3g.cpp
std::string tx3g_of_cue_text(std::string_view text);
// The sample entry's description that goes with it (what follows data_reference_index).
std::string tx3g_description(bool forced);

}  // namespace gopmill
