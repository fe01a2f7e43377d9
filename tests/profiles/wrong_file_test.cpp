#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "profiles/profile.h"

namespace gopmill {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// A file that is wrong in one way, and the start and a part of what is said about it.
struct WrongFile {
  std::string_view name;
  std::string yaml;
  std::string start;  // after the file's name: "line:column: key 'x': expected"
  std::string part;
  friend void PrintTo(const WrongFile& file, std::ostream* out) { *out << file.name; }
};

// One rendition that is right, plus `keys` of it in flow style at line 1, column 38.
std::string with_rendition(std::string_view keys) {
  return "renditions: [{height: 360, codec: h264, " + std::string(keys) + "}]\n";
}
// `keys` of a profile, on lines from 1, above a ladder that is right.
std::string with_keys(std::string_view keys) { return std::string(keys) + "\nrenditions: [{height: 360, quality: 23}]\n"; }

std::string repeated(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

const std::vector<WrongFile>& wrong_files() {
  static const std::vector<WrongFile> files = {
      // Text and YAML
      {"empty", "", "1:1: expected a profile", "found nothing"},
      {"only_comment", "# nothing here\n", "1:1: expected a profile", "found nothing"},
      {"a_list", "- 1\n- 2\n", "1:1: expected a profile", "found a list"},
      {"a_word", "phone\n", "1:1: expected a profile", "found 'phone'"},
      {"tab_indent", "audio:\n\tcodec: aac\n", "2:7: this is not YAML", ""},
      {"open_quote", "name: \"phone\n", "1:7: this quote is never closed", ""},
      {"open_quote_escaped", "name: \"phone\\\"\n", "1:7: this quote is never closed", ""},
      {"open_single_quote", "name: 'phone''\n", "1:7: this quote is never closed", ""},
      {"two_colons", "name: a: b\n", "1:8: this is not YAML", "illegal map value"},
      {"open_list", "renditions: [1, 2\n", "2:1: this is not YAML", ""},
      {"stray_brace", "name: a\n}\n", "2:1: this is not YAML", ""},
      {"nul_byte", std::string("name: a\0b\n", 10), "1:8: this is a control character", ""},
      {"end_of_file_byte", "name: a\n\x04renditions: []\n", "2:1: this is a control character", ""},
      {"lone_return", "name: a\rdevice: b\n", "1:8: this is a control character", ""},
      {"latin1", "name: a\ndescription: caf\xE9\n", "2:17: this is not UTF-8", ""},
      {"overlong_utf8", "name: \xC0\x80\n", "1:7: this is not UTF-8", ""},
      {"surrogate_utf8", "name: \xED\xA0\x80\n", "1:7: this is not UTF-8", ""},
      {"utf16", std::string("\xFF\xFEn\0a\0", 6), "1:1: this is not UTF-8", ""},
      {"directive", "%YAML 1.2\n---\nname: a\n", "1:1: YAML directives", "not accepted"},
      {"second_document", "name: a\n---\nname: b\n", "2:1: a profile is one YAML document", "second"},
      {"anchor", "audio: &audio {codec: aac}\n", "1:8: YAML anchors and aliases", "use extends"},
      {"anchor_on_text", "name: &n a\n", "1:7: YAML anchors and aliases", ""},
      {"alias_of_anchor", "name: &n a\ndevice: *n\n", "1:7: YAML anchors and aliases", ""},
      {"alias_of_nothing", "device: *n\n", "1:9: this is not YAML", "anchor is not defined"},
      {"tag", "name: !!str a\n", "1:7: YAML tags", ""},
      {"tag_on_map", "audio: !audio {codec: aac}\n", "1:8: YAML tags", ""},
      {"bare_tag", "name: ! a\n", "1:7: YAML tags", ""},
      {"bare_tag_on_map", "audio: ! {codec: aac}\n", "1:8: YAML tags", ""},
      {"too_large", "name: a\n" + repeated("# comment\n", 30'000), "1:1: a profile has at most 256 KiB", "292 KiB"},
      {"too_deep", "renditions: " + repeated("[", 40) + repeated("]", 40), "1:44: lists and maps nest at most 32 deep", ""},
      {"too_deep_unclosed", "renditions: " + repeated("[", 100'000), "1:14: a key is text", ""},
      {"too_deep_block", "name:\n" + repeated("- ", 100'000) + "\n", "2:63: lists and maps nest at most 32 deep", ""},
      {"list_as_key", "? [a, b]\n: c\n", "1:3: a key is text", ""},
      {"empty_key", ": c\n", "1:1: a key is text", "empty"},
      {"duplicate_key", "name: a\ndevice: b\nname: c\n", "3:1: key 'name': expected once", "line 1"},
      {"duplicate_in_flow", "audio: {codec: aac, codec: opus}\n", "1:21: key 'codec': expected once", ""},
      {"many_keys",
       [] {
         std::string yaml;
         for (int i = 0; i < 300; ++i) yaml += "k" + std::to_string(i) + ": 1\n";
         return yaml;
       }(),
       "257:1: a map has at most 256 keys", ""},
      // The profile's own keys
      {"unknown_key", with_keys("devcie: phone"), "1:1: key 'devcie': expected one of name", "did you mean 'device'?"},
      {"unknown_far_key", with_keys("flavour: sweet"), "1:1: key 'flavour': expected one of name", "found 'flavour'"},
      {"other_programs_key", with_keys("keyint: 2"), "1:1: key 'keyint': expected one of", "did you mean 'gop'?"},
      {"name_upper_case", with_keys("name: Phone"), "1:7: key 'name': expected 1 to 32 characters", "found 'Phone'"},
      {"name_with_path", with_keys("name: ../etc"), "1:7: key 'name': expected 1 to 32 characters", ""},
      {"name_empty", with_keys("name: ''"), "1:7: key 'name': expected 1 to 32 characters", "found ''"},
      {"name_nothing", with_keys("name:"), "1:1: key 'name': expected 1 to 32 characters", "found nothing"},
      {"name_too_long", with_keys("name: " + repeated("a", 33)), "1:7: key 'name': expected 1 to 32 characters", ""},
      {"name_a_list", with_keys("name: [a]"), "1:7: key 'name': expected 1 to 32 characters", "found a list"},
      {"device_with_space", with_keys("device: my phone"), "1:9: key 'device': expected", "found 'my phone'"},
      {"description_a_map", with_keys("description: {a: b}"), "1:14: key 'description': expected text", "found a map"},
      {"description_control", with_keys("description: \"a\\eb\""), "1:14: key 'description': expected text",
       "without control characters"},
      {"description_c1_control", with_keys("description: \"a\\Nb\""), "1:14: an escape in this text makes no UTF-8", ""},
      {"description_c1_by_number", with_keys("description: \"a\\u0085b\""), "1:14: key 'description': expected text",
       "without control characters"},
      {"description_long", with_keys("description: " + repeated("x", 501)),
       "1:14: key 'description': expected text of at most 500", "…'"},
      {"gop_a_word", with_keys("gop: long"), "1:6: key 'gop': expected seconds", "found 'long'"},
      {"gop_zero", with_keys("gop: 0"), "1:6: key 'gop': expected seconds such as 2 or 1.92, from 0.1 to 10", "found '0'"},
      {"gop_negative", with_keys("gop: -2"), "1:6: key 'gop': expected seconds", "found '-2'"},
      {"gop_too_long", with_keys("gop: 10.5s"), "1:6: key 'gop': expected seconds", "found '10.5s'"},
      {"gop_exponent", with_keys("gop: 2e0"), "1:6: key 'gop': expected seconds", "found '2e0'"},
      {"gop_over_zero", with_keys("gop: 2/0"), "1:6: key 'gop': expected seconds", ""},
      {"gop_minutes", with_keys("gop: 2m"), "1:6: key 'gop': expected seconds", ""},
      {"segment_not_whole", with_keys("gop: 2\nsegment: 9"), "2:10: key 'segment': expected a whole multiple of the gop of 2 s",
       "found '9'; did you mean '8'?"},
      {"segment_below_gop", with_keys("gop: 4\nsegment: 2"), "2:10: key 'segment': expected a whole multiple",
       "did you mean '4'?"},
      {"segment_too_long", with_keys("segment: 62"), "1:10: key 'segment': expected seconds such as 10, from 0.1 to 60",
       "found '62'"},
      {"telecine", with_keys("telecine: inverse"), "1:11: key 'telecine': expected one of keep, film", "found 'inverse'"},
      {"damage", with_keys("damage: salvag"), "1:9: key 'damage': expected one of refuse, salvage", "did you mean 'salvage'?"},
      {"joins", with_keys("joins: exakt"), "1:8: key 'joins': expected one of default, exact", "did you mean 'exact'?"},
      {"container", with_keys("container: mkv"), "1:12: key 'container': expected mp4", "found 'mkv'"},
      {"no_renditions", "name: a\n", "1:1: key 'renditions': expected a list of renditions, or []", "found nothing"},
      {"renditions_a_map", "renditions: {height: 360}\n", "1:13: key 'renditions': expected a list of renditions", "found a map"},
      {"renditions_none", "renditions: none\n", "1:13: key 'renditions': expected a list of renditions", "found 'none'"},
      {"nothing_to_make", "audio: none\nrenditions: []\n", "2:13: key 'renditions': expected at least one rendition", ""},
      {"rendition_a_word", "renditions: [1080p]\n", "1:14: key 'renditions': expected a map", "found '1080p'"},
      {"too_many_renditions", "renditions: [" + repeated("{height: 360, quality: 23}, ", 17) + "]\n",
       "1:462: key 'renditions': expected at most 16", "found 17"},
      {"defaults_a_list", with_keys("rendition: [preset]"), "1:12: key 'rendition': expected a map", "found a list"},
      {"defaults_with_name", with_keys("rendition: {name: a}"), "1:13: key 'name': expected one of codec", "found 'name'"},
      {"defaults_unknown", with_keys("rendition: {perset: fast}"), "1:13: key 'perset': expected one of",
       "did you mean 'preset'?"},
      {"defaults_never_used", "rendition: {height: 7}\nrenditions: [{height: 360, quality: 23}]\n",
       "1:21: key 'height': expected source, or an even", "found '7'"},
      // Audio
      {"audio_a_word", with_keys("audio: aac"), "1:8: key 'audio': expected none, or a map", "found 'aac'"},
      {"audio_nothing", with_keys("audio:"), "1:1: key 'audio': expected none, or a map", "found nothing"},
      {"audio_codec", with_keys("audio: {codec: mp3}"), "1:16: key 'codec': expected one of aac, opus", "found 'mp3'"},
      {"audio_rate_low", with_keys("audio: {bitrate: 128}"),
       "1:18: key 'bitrate': expected a rate such as 96k, from 8k to 512k with 2 channels", "found '128'; did you mean '128k'?"},
      {"audio_rate_high", with_keys("audio: {bitrate: 320k, channels: 1}"),
       "1:18: key 'bitrate': expected a rate such as 96k, from 8k to 256k with 1 channel", "found '320k'"},
      {"audio_channels", with_keys("audio: {channels: 8}"), "1:19: key 'channels': expected one of 1, 2, 6", "found '8'"},
      {"audio_tracks_a_word", with_keys("audio: {tracks: al}"), "1:17: key 'tracks': expected default, all, or a list",
       "did you mean 'all'?"},
      {"audio_tracks_empty", with_keys("audio: {tracks: []}"), "1:17: key 'tracks': expected default, all, or a list",
       "found a list"},
      {"audio_tracks_no_tag", with_keys("audio: {tracks: [eng, Deutsch]}"),
       "1:23: key 'tracks': expected default, all, or a list", "found 'Deutsch'"},
      {"audio_loudness", with_keys("audio: {loudness: 16}"), "1:19: key 'loudness': expected LUFS such as -16, from -40 to -5",
       "found '16'"},
      {"audio_peak", with_keys("audio: {true_peak: 3}"), "1:20: key 'true_peak': expected dBTP such as -1, from -20 to 0",
       "found '3'"},
      {"subtitles_a_word", with_keys("subtitles: vtt"), "1:12: key 'subtitles': expected none, or a map", "found 'vtt'"},
      {"subtitles_text", with_keys("subtitles: {text: srt}"), "1:19: key 'text': expected one of none, vtt, mov_text, both",
       "found 'srt'"},
      {"subtitles_bitmap", with_keys("subtitles: {bitmap: burned}"), "1:21: key 'bitmap': expected one of drop, burn",
       "did you mean 'burn'?"},
      {"subtitles_tracks", with_keys("subtitles: {tracks: al}"), "1:21: key 'tracks': expected default, all, or a list",
       "did you mean 'all'?"},
      {"subtitles_language", with_keys("subtitles: {tracks: [eng, DEU]}"), "1:27: key 'tracks': expected default, all, or a list",
       "found 'DEU'"},
      {"subtitles_no_language", with_keys("subtitles: {tracks: []}"), "1:21: key 'tracks': expected default", "found a list"},
      {"subtitles_unknown", with_keys("subtitles: {burn: true}"), "1:13: key 'burn': expected one of text, bitmap, tracks", ""},
      {"metadata_keep", with_keys("metadata: {keep: all}"), "1:18: key 'keep': expected one of standard, none", "found 'all'"},
      {"metadata_location", with_keys("metadata: {location: yes}"), "1:22: key 'location': expected one of true, false", ""},
      {"audio_unknown", with_keys("audio: {bitrat: 128k}"), "1:9: key 'bitrat': expected one of codec, bitrate, channels",
       "did you mean 'bitrate'?"},
      // Renditions
      {"unknown_rendition_key", "renditions:\n  - quality: 23\n    hieght: 720\n",
       "3:5: key 'hieght': expected one of name, codec", "found 'hieght'; did you mean 'height'?"},
      {"crf", with_rendition("crf: 23"), "1:41: key 'crf': expected one of", "did you mean 'quality'?"},
      {"non_ascii_column", "renditions: [{é: 1}]\n", "1:15: key 'é': expected one of", ""},
      {"column_after_non_ascii", "description: é\nrenditions: [{name: ä, height: x}]\n", "2:21: key 'name'", ""},
      {"codec", "renditions: [{codec: h265, quality: 23}]\n", "1:22: key 'codec': expected one of h264, hevc, av1, vp9",
       "did you mean 'hevc'?"},
      {"codec_case", "renditions: [{codec: H264, quality: 23}]\n", "1:22: key 'codec': expected one of", "did you mean 'h264'?"},
      {"height_odd", "renditions: [{height: 361, quality: 23}]\n", "1:23: key 'height': expected source, or an even number",
       "did you mean '360'?"},
      {"height_word", "renditions: [{height: 1080p, quality: 23}]\n", "1:23: key 'height': expected source", "found '1080p'"},
      {"height_tiny", "renditions: [{height: 8, quality: 23}]\n", "1:23: key 'height': expected source", "from 16 to 4352"},
      {"height_huge", "renditions: [{height: 4354, quality: 23}]\n", "1:23: key 'height': expected source", "found '4354'"},
      {"height_overflow", "renditions: [{height: 99999999999, quality: 23}]\n", "1:23: key 'height': expected source", ""},
      {"fps_zero", with_rendition("quality: 23, fps_max: 0"), "1:63: key 'fps_max': expected none, or frames per second",
       "found '0'"},
      {"fps_high", with_rendition("quality: 23, fps_max: 500"), "1:63: key 'fps_max': expected", "from 1 to 240"},
      {"fps_slashes", with_rendition("quality: 23, fps_max: 30/1/1"), "1:63: key 'fps_max': expected", "found '30/1/1'"},
      {"fps_none", with_rendition("quality: 23, fps: none"), "1:59: key 'fps': expected frames per second of a constant rate",
       "found 'none'"},
      {"fps_terms", with_rendition("quality: 23, fps: 23.976024"), "1:59: key 'fps': expected a rate with a numerator",
       "1000000"},
      {"fps_twice", with_rendition("quality: 23, fps: 25, fps_max: 30"), "1:72: key 'fps_max': expected either fps",
       "found both"},
      {"no_rate", "renditions: [{height: 360}]\n", "1:14: key 'quality': expected either quality or bitrate", "found neither"},
      {"two_rates", with_rendition("quality: 23, bitrate: 1M"), "1:63: key 'bitrate': expected either quality or bitrate",
       "found both"},
      {"quality_word", with_rendition("quality: high"), "1:50: key 'quality': expected a number", "found 'high'"},
      {"quality_negative", with_rendition("quality: -1"),
       "1:50: key 'quality': expected a number from 0 to 51 (63 for av1 and vp9), such as 23 or 22.5", "found '-1'"},
      {"quality_h264", with_rendition("quality: 52"), "1:50: key 'quality': expected a number from 0 (best) to 51 for h264",
       "found '52'"},
      {"quality_hevc", "renditions: [{codec: hevc, quality: 51.5}]\n",
       "1:37: key 'quality': expected a number from 0 (best) to 51 for hevc", "found '51.5'"},
      {"quality_av1", "renditions: [{codec: av1, quality: 64}]\n", "1:36: key 'quality': expected a number", "found '64'"},
      {"quality_vp9_fraction", "renditions: [{codec: vp9, quality: 31.5}]\n",
       "1:36: key 'quality': expected a whole number from 0 (best) to 63 for vp9", "found '31.5'"},
      {"bitrate_small", with_rendition("bitrate: 800"), "1:50: key 'bitrate': expected a rate such as 900k",
       "from 10k to 800M, found '800'; did you mean '800k'?"},
      {"bitrate_case", with_rendition("bitrate: 2.5m"), "1:50: key 'bitrate': expected a rate", "did you mean '2.5M'?"},
      {"bitrate_unit", with_rendition("bitrate: 900kbit"), "1:50: key 'bitrate': expected a rate", "did you mean '900k'?"},
      {"bitrate_part_of_a_bit", with_rendition("bitrate: 900.0005k"), "1:50: key 'bitrate': expected a rate", ""},
      {"bitrate_bare_point", with_rendition("bitrate: .5M"), "1:50: key 'bitrate': expected a rate", ""},
      {"bitrate_overflow", with_rendition("bitrate: 999999999.999999M"), "1:50: key 'bitrate': expected a rate", ""},
      {"maxrate_alone", with_rendition("quality: 23, maxrate: 1M"), "1:63: key 'maxrate': expected bufsize beside it",
       "found none"},
      {"bufsize_alone", with_rendition("quality: 23, bufsize: 1M"), "1:63: key 'bufsize': expected maxrate beside it",
       "found none"},
      {"maxrate_below", with_rendition("bitrate: 2M, maxrate: 1M, bufsize: 2M"),
       "1:63: key 'maxrate': expected at least the bitrate of 2M", "found '1M'"},
      {"preset_a_list", with_rendition("quality: 23, preset: [fast]"), "1:62: key 'preset': expected", "found a list"},
      {"profile_misspelt", with_rendition("quality: 23, profile: hihg"),
       "1:63: key 'profile': expected one of auto, baseline, main, high, high10 for h264", "did you mean 'high'?"},
      {"profile_of_other_codec", with_rendition("quality: 23, profile: main10"),
       "1:63: key 'profile': expected one of auto, baseline", "found 'main10'"},
      {"baseline_10_bit", with_rendition("quality: 23, profile: baseline, pixel_format: yuv420p10"),
       "1:87: key 'pixel_format': expected yuv420p with profile 'baseline'", "found 'yuv420p10'"},
      {"main10_8_bit", "renditions: [{codec: hevc, quality: 23, profile: main10}]\n",
       "1:50: key 'profile': expected pixel_format yuv420p10 beside 'main10'", "found 'yuv420p'"},
      {"hdr_in_8_bits", with_rendition("quality: 23, dynamic_range: hdr"),
       "1:69: key 'dynamic_range': expected pixel_format yuv420p10 beside 'hdr'", "found 'yuv420p'"},
      {"hdr_in_said_8_bits", with_rendition("quality: 23, pixel_format: yuv420p, dynamic_range: hdr"),
       "1:68: key 'pixel_format': expected yuv420p10 with dynamic_range 'hdr'", "found 'yuv420p'"},
      {"dynamic_range", with_rendition("quality: 23, dynamic_range: hdr10"),
       "1:69: key 'dynamic_range': expected one of sdr, hdr", "did you mean 'hdr'?"},
      {"level_unknown", with_rendition("quality: 23, level: 4.3"), "1:61: key 'level': expected one of auto, 1.0",
       "for h264, found '4.3'"},
      {"level_of_other_codec", "renditions: [{codec: hevc, quality: 23, level: 2.2}]\n",
       "1:48: key 'level': expected one of auto", "for hevc"},
      {"pixel_format", with_rendition("quality: 23, pixel_format: yuv420p10le"),
       "1:68: key 'pixel_format': expected one of yuv420p, yuv420p10", "did you mean 'yuv420p10'?"},
      {"options_a_list", with_rendition("quality: 23, options: [a]"), "1:63: key 'options': expected a map of at most 64",
       "found a list"},
      {"option_value", with_rendition("quality: 23, options: {tune: {a: b}}"), "1:70: key 'tune': expected text", "found a map"},
      {"option_nothing", with_rendition("quality: 23, options: {tune: }"), "1:64: key 'tune': expected text", "found nothing"},
      {"option_name", with_rendition("quality: 23, options: {'a b': 1}"), "1:64: key 'a b': expected an option's name", ""},
      {"option_of_a_key", with_rendition("quality: 23, options: {crf: 20}"), "1:64: key 'crf': expected the key quality instead",
       "found an encoder option"},
      {"option_threads", with_rendition("quality: 23, options: {threads: 4}"), "1:64: key 'threads': expected no such option",
       "change the bytes"},
      {"same_default_name", "renditions:\n  - {height: 360, quality: 23}\n  - {height: 360, quality: 20}\n",
       "3:5: key 'name': expected a name no other rendition has", "found '360p'"},
      {"same_name", "renditions:\n  - {name: a, height: 360, quality: 23}\n  - {name: a, height: 720, quality: 20}\n",
       "3:12: key 'name': expected a name no other rendition has", "found 'a'"},
      {"rendition_name", "renditions: [{name: Full HD, quality: 23}]\n", "1:21: key 'name': expected 1 to 32 characters",
       "found 'Full HD'"},
      // Extends
      {"extends_unknown", "extends: phnoe\n", "1:10: key 'extends': expected the name of a shipped profile",
       "did you mean 'phone'?"},
      {"extends_a_list", "extends: [phone]\n", "1:10: key 'extends': expected the name of a shipped profile", "found a list"},
      {"extends_a_file", "extends: base.yaml\n",
       "1:10: key 'extends': expected the name of a shipped profile, as files cannot be read here", "found 'base.yaml'"},
      {"child_gop", "extends: tablet\nsegment: 9\n", "2:10: key 'segment': expected a whole multiple of the gop of 2 s",
       "found '9'"},
  };
  return files;
}

class WrongFiles : public ::testing::TestWithParam<WrongFile> {};

TEST_P(WrongFiles, GivesOneFaultThatPointsAtTheLine) {
  const Result<Profile> profile = load_profile(GetParam().yaml, "mine.yaml", {});
  ASSERT_FALSE(profile) << "loaded";
  EXPECT_EQ(profile.error().kind, FaultKind::kConfig);
  EXPECT_THAT(profile.error().text, StartsWith("mine.yaml:" + GetParam().start));
  EXPECT_THAT(profile.error().text, HasSubstr(GetParam().part));
  EXPECT_THAT(profile.error().text, Not(HasSubstr("\n")));
}

INSTANTIATE_TEST_SUITE_P(Table, WrongFiles, ::testing::ValuesIn(wrong_files()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(WrongFile, IsSaidInOneWholeLine) {
  const auto text = [](std::string_view yaml) { return load_profile(yaml, "dir/mine.yaml", {}).error().text; };
  EXPECT_EQ(
      text("renditions:\n  - quality: 23\n    hieght: 720\n"),
      "dir/mine.yaml:3:5: key 'hieght': expected one of name, codec, height, fps_max, fps, quality, bitrate, maxrate, bufsize, "
      "preset, profile, "
      "level, pixel_format, dynamic_range, options, found 'hieght'; did you mean 'height'?");
  EXPECT_EQ(text("gop: 3\nsegment: 10\nrenditions: []\n"),
            "dir/mine.yaml:2:10: key 'segment': expected a whole multiple of the gop of 3 s, found '10'; did you mean '9'?");
}

TEST(WrongFile, NeedsANameWhereTheFilesOwnIsUnfit) {
  const Result<Profile> profile = load_profile("renditions: []\n", "My Phone.yaml", {});
  ASSERT_FALSE(profile);
  EXPECT_EQ(
      profile.error(),
      (Fault{FaultKind::kConfig, "My Phone.yaml:1:1: key 'name': expected 1 to 32 characters of a-z, 0-9 and -, found nothing"}));
}

// The encoder is asked through a function, so a test can be one.
std::string complaint_text(std::string_view yaml, const EncoderComplaint& complaint) {
  const Result<Profile> profile =
      load_profile(yaml, "mine.yaml", {.check_encoder = [&](const RenditionProfile&) { return complaint; }});
  return profile ? "loaded" : profile.error().text;
}

TEST(EncoderComplaints, PointAtTheGuiltyLine) {
  const std::string_view yaml =
      "rendition: {preset: fsat}\n"
      "renditions:\n"
      "  - height: 360\n"
      "    quality: 23\n"
      "    options: {tune: flim}\n"
      "    profile: high\n";
  EXPECT_EQ(complaint_text(yaml, {"preset", "libx264: no such preset", "fast"}),
            "mine.yaml:1:21: key 'preset': libx264: no such preset; did you mean 'fast'?");
  EXPECT_EQ(complaint_text(yaml, {"tune", "libx264: bad value", ""}), "mine.yaml:5:15: key 'tune': libx264: bad value");
  EXPECT_EQ(complaint_text(yaml, {"codec_profile", "refused", ""}), "mine.yaml:6:14: key 'profile': refused");
  EXPECT_EQ(complaint_text(yaml, {"encoder_options", "refused", ""}), "mine.yaml:5:14: key 'options': refused");
  // A default is nowhere in the file: the rendition is.
  EXPECT_EQ(complaint_text(yaml, {"level", "two\nlines", ""}), "mine.yaml:3:5: key 'level': two lines");
}

TEST(EncoderComplaints, AreAskedForOncePerRenditionAfterAllElse) {
  std::vector<std::string> asked;
  const ProfileContext context{.check_encoder = [&](const RenditionProfile& rendition) -> std::optional<EncoderComplaint> {
    asked.push_back(rendition.name + " " + rendition.preset);
    return std::nullopt;
  }};
  EXPECT_FALSE(load_profile("renditions: [{height: 360, quality: 23}, {height: 7}]\n", "a.yaml", context));
  EXPECT_THAT(asked, ::testing::IsEmpty());
  EXPECT_TRUE(
      load_profile("renditions: [{height: 360, quality: 23}, {height: 720, codec: av1, quality: 30}]\n", "a.yaml", context));
  EXPECT_THAT(asked, ::testing::ElementsAre("720p 8", "360p medium"));
}

}  // namespace
}  // namespace gopmill
