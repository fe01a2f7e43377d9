#include "media/text/language.h"

#include <algorithm>

namespace gopmill {

namespace {

// ISO 639-1 and 639-2/T of the same language, five letters and a blank each.
constexpr std::string_view kTwoLetters =
    "aaaar ababk aeave afafr akaka amamh anarg arara asasm avava ayaym azaze babak bebel bgbul bhbih bibis bmbam "
    "bnben bobod brbre bsbos cacat ceche chcha cocos crcre csces cuchu cvchv cycym dadan dedeu dvdiv dzdzo eeewe "
    "elell eneng eoepo esspa etest eueus fafas ffful fifin fjfij fofao frfra fyfry gagle gdgla glglg gngrn guguj "
    "gvglv hahau heheb hihin hohmo hrhrv hthat huhun hyhye hzher iaina idind ieile igibo iiiii ikipk ioido isisl "
    "itita iuiku jajpn jvjav kakat kgkon kikik kjkua kkkaz klkal kmkhm knkan kokor krkau kskas kukur kvkom kwcor "
    "kykir lalat lbltz lglug lilim lnlin lolao ltlit lulub lvlav mgmlg mhmah mimri mkmkd mlmal mnmon mrmar msmsa "
    "mtmlt mymya nanau nbnob ndnde nenep ngndo nlnld nnnno nonor nrnbl nvnav nynya ococi ojoji omorm orori ososs "
    "papan pipli plpol pspus ptpor quque rmroh rnrun roron rurus rwkin sasan scsrd sdsnd sesme sgsag sisin skslk "
    "slslv smsmo snsna sosom sqsqi srsrp ssssw stsot susun svswe swswa tatam tetel tgtgk ththa titir tktuk tltgl "
    "tntsn toton trtur tstso tttat twtwi tytah uguig ukukr ururd uzuzb veven vivie vovol wawln wowol xhxho yiyid "
    "yoyor zazha zhzho zuzul";
// ISO 639-2/B and 639-2/T where they differ, six letters and a blank each.
constexpr std::string_view kBibliographic =
    "albsqi armhye baqeus burmya chizho czeces dutnld frefra geokat gerdeu greell iceisl macmkd maomri maymsa "
    "perfas rumron sloslk tibbod welcym";

// What follows `key` in one of the tables.
std::string_view find(std::string_view table, std::string_view key) {
  const std::size_t step = key.size() + 4;
  for (std::size_t at = 0; at < table.size(); at += step) {
    if (table.substr(at, key.size()) == key) return table.substr(at + key.size(), 3);
  }
  return {};
}

}  // namespace

std::string iso639_2(std::string_view tag) {
  const std::string_view language = tag.substr(0, tag.find('-'));
  const bool letters = std::ranges::all_of(language, [](char c) { return c >= 'a' && c <= 'z'; });
  if (!letters) return {};
  if (language.size() == 2) return std::string(find(kTwoLetters, language));
  if (language.size() != 3 || language == "und") return {};
  const std::string_view other = find(kBibliographic, language);
  return std::string(other.empty() ? language : other);
}

bool language_matches(std::string_view tag, std::string_view wanted) {
  if (tag == wanted) return true;
  const std::string language = iso639_2(tag);
  return !language.empty() && wanted.find('-') == std::string_view::npos && language == iso639_2(wanted);
}

}  // namespace gopmill
