#include "base/output_name.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "base/utf8.h"

namespace gopmill {
namespace {

struct KindFacts {
  OutputKind kind;
  std::string_view word;
  std::string_view name;  // the template
};
constexpr KindFacts kKinds[] = {{OutputKind::kRendition, "rendition", "{base}_{rendition}.mp4"},
                                {OutputKind::kSubtitles, "subtitles", "{base}.{variant}.vtt"},
                                {OutputKind::kReport, "report", "report.json"}};

const KindFacts& facts_of(OutputKind kind) {
  const auto* const found = std::ranges::find(kKinds, kind, &KindFacts::kind);
  GOPMILL_CHECK(found != std::end(kKinds));
  return *found;
}

// A template as its pieces: text as it stands, or the name of a field.
struct Piece {
  std::string_view text;
  bool field = false;
};
std::vector<Piece> pieces_of(std::string_view text) {
  std::vector<Piece> pieces;
  while (!text.empty()) {
    const bool field = text.front() == '{';
    const std::size_t end = std::min(text.find(field ? '}' : '{'), text.size());
    pieces.push_back({text.substr(field ? 1 : 0, end - (field ? 1 : 0)), field});
    text.remove_prefix(end + (field ? 1 : 0));
  }
  return pieces;
}

const std::string* value_of(std::string_view field, const OutputFields& fields) {
  const auto found = std::ranges::find(fields, field, &OutputFields::value_type::first);
  return found == fields.end() ? nullptr : &found->second;
}

bool is_clean(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0 || is_control(text.substr(0, length))) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

std::string_view output_kind_word(OutputKind kind) { return facts_of(kind).word; }

Result<> check_output_path(std::string_view path) {
  const auto refuse = [&](const char* why) {
    return fail(FaultKind::kInput, "an output cannot be called \"" + one_line(path, kOutputPathBytesMax) + "\": " + why);
  };
  if (path.empty()) return refuse("it has no name");
  if (path.size() > kOutputPathBytesMax) return refuse("that is too long");
  if (!is_clean(path)) return refuse("it has control characters or is not UTF-8");
  if (std::ranges::count(path, '/') >= static_cast<std::ptrdiff_t>(kOutputPathPartsMax)) return refuse("too many folders");
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") return refuse("it must be below the folder of its job");
    if (part.size() > kOutputPartBytesMax) return refuse("one of its parts is too long for a file name");
    at = end + 1;
  }
  return {};
}

Result<std::string> output_path(OutputKind kind, const OutputFields& fields) {
  std::string path;
  std::size_t used = 0;
  for (const Piece& piece : pieces_of(facts_of(kind).name)) {
    if (!piece.field) {
      path += piece.text;
      continue;
    }
    const std::string* value = value_of(piece.text, fields);
    GOPMILL_CHECK(value != nullptr);
    if (value->find('/') != value->npos)
      return fail(FaultKind::kInput,
                  "an output's " + std::string(piece.text) + " has a '/': " + one_line(*value, kOutputPathBytesMax));
    path += *value;
    ++used;
  }
  GOPMILL_CHECK(used == fields.size());
  TRY(check_output_path(path));
  return path;
}

bool may_be_output(OutputKind kind, std::string_view path, const OutputFields& fields) {
  std::string before, after;
  bool open = false;  // a field without a value was seen: from there on only the end is known
  for (const Piece& piece : pieces_of(facts_of(kind).name)) {
    const std::string* value = piece.field ? value_of(piece.text, fields) : nullptr;
    if (piece.field && value == nullptr) {
      open = true;
      after.clear();
    } else {
      (open ? after : before) += piece.field ? std::string_view(*value) : piece.text;
    }
  }
  if (!open) return path == before;
  return path.size() > before.size() + after.size() && path.starts_with(before) && path.ends_with(after) &&
         path.substr(before.size(), path.size() - before.size() - after.size()).find('/') == path.npos;
}

std::string output_parent(OutputKind kind) {
  const std::string_view text = facts_of(kind).name;
  const std::size_t slash = text.rfind('/');
  return std::string(slash == text.npos ? std::string_view() : text.substr(0, slash));
}

}  // namespace gopmill
