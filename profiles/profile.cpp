#include "profiles/profile.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <istream>
#include <streambuf>
#include <utility>
#include <vector>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "base/file.h"
#include "base/utf8.h"
#include "profiles/profile_keys.h"
#include "profiles/profile_tree.h"
#include "profiles/shipped.h"

namespace gopmill {
namespace {

// No map of a profile has a tenth of this many; each new key is compared with those before it.
constexpr std::size_t kMapKeysMax = 256;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// ---- Text: what yaml-cpp would take wrongly is refused before it sees it. ----

// yaml-cpp 0.7 takes byte 4 for the end of the file, drops lone carriage returns and ignores directives it does not know;
// each would make it read something else than a person sees.
Result<> check_text(std::string_view yaml, const Complaints& complaints, int file) {
  Place place{.file = file};
  if (yaml.size() > kProfileBytesMax) {
    return complaints.at(place, "a profile has at most " + std::to_string(kProfileBytesMax / 1024) + " KiB, this has " +
                                    std::to_string(yaml.size() / 1024) + " KiB");
  }
  for (std::size_t i = 0; i < yaml.size();) {
    const std::size_t length = utf8_length(yaml.substr(i));
    const char byte = yaml[i];
    if (length == 0) return complaints.at(place, "this is not UTF-8 text");
    const bool ends_line = byte == '\n' || (byte == '\r' && yaml.substr(i).starts_with("\r\n"));
    if (is_ascii_control(byte) && byte != '\t' && !ends_line)
      return complaints.at(place, "this is a control character, not text");
    if (byte == '%' && place.column == 1) return complaints.at(place, "YAML directives (%) are not accepted");
    ++place.column;
    if (byte == '\n') place = {.file = file, .line = place.line + 1, .column = 1};
    i += length;
  }
  return {};
}

// ---- YAML: events to a tree. ----

// Leaves yaml-cpp's parser from inside one of its callbacks, which can only be done by throwing; caught in parse_tree.
struct Refusal {
  YAML::Mark mark;
  std::string what;
};

// Collects one document. Throws Refusal for what a profile may not have. It builds from events, not YAML::Load, because
// that resolves aliases, drops duplicate keys without a word and recurses before anybody can count.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, int file) : text_end_(text.data() + text.size()), file_(file) {
    lines_.push_back(text.substr(0, text.find('\n')));
    for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', end + 1)) {
      lines_.push_back(text.substr(end + 1, text.find('\n', end + 1) - end - 1));
    }
  }

  [[nodiscard]] TreeNode take_root() { return std::move(root_); }

  // yaml-cpp counts lines from 0 and columns in bytes from 0; a mark it does not know is -1.
  [[nodiscard]] Place place(const YAML::Mark& mark) const {
    Place place{.file = file_};
    if (mark.line < 0) return place;
    const auto line = std::min(static_cast<std::size_t>(mark.line), lines_.size() - 1);
    const std::string_view before = lines_[line].substr(0, static_cast<std::size_t>(std::max(mark.column, 0)));
    const auto characters = std::ranges::count_if(before, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
    place.line = static_cast<int>(line) + 1;
    place.column = static_cast<int>(characters) + 1;
    return place;
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (std::exchange(has_document_, true)) throw Refusal{mark, "a profile is one YAML document, this is a second"};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { leaf(mark, "", anchor, TreeNode::Kind::kNothing, ""); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override { throw Refusal{mark, kNoAliases}; }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    leaf(mark, tag, anchor, TreeNode::Kind::kText, value);
    if (character(mark) == '!') throw Refusal{mark, kNoTags};
    if (tag == "!" && !closes(mark)) throw Refusal{mark, "this quote is never closed"};
    // yaml-cpp 0.7 makes the escapes \N and \_ into single bytes, which are no characters.
    for (std::size_t i = 0; i < value.size();) {
      const std::size_t length = utf8_length(std::string_view(value).substr(i));
      if (length == 0) throw Refusal{mark, "an escape in this text makes no UTF-8 character"};
      i += length;
    }
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, TreeNode::Kind::kList);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, TreeNode::Kind::kMap);
  }
  void OnMapEnd() override { close(); }

 private:
  static constexpr const char* kNoAliases = "YAML anchors and aliases (& and *) are not accepted: use extends or rendition";
  static constexpr const char* kNoTags = "YAML tags (!) are not accepted";

  // A list or map that is not finished, and the key that waits for its value.
  struct Open {
    TreeNode node;
    bool has_key = false;
  };

  static void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) throw Refusal{mark, kNoAliases};
    // By yaml-cpp's own hand "?" is a plain value and "!" a quoted one; who writes "!" is found by its place.
    if (!tag.empty() && tag != "?" && tag != "!") throw Refusal{mark, kNoTags};
  }
  [[nodiscard]] const char* address(const YAML::Mark& mark) const {
    const std::string_view line = lines_[std::min(static_cast<std::size_t>(std::max(mark.line, 0)), lines_.size() - 1)];
    return line.data() + std::min(static_cast<std::size_t>(std::max(mark.column, 0)), line.size());
  }
  [[nodiscard]] char character(const YAML::Mark& mark) const { return address(mark) == text_end_ ? '\0' : *address(mark); }
  // yaml-cpp 0.7 takes the end of a file for the end of a quoted text, so that a file cut short would be read as whole.
  [[nodiscard]] bool closes(const YAML::Mark& mark) const {
    const char* at = address(mark);
    if (at == text_end_ || (*at != '"' && *at != '\'')) return true;  // a block text (| or >), which any line may end
    const char quote = *at++;
    for (; at != text_end_; ++at) {
      if (quote == '"' && *at == '\\' && at + 1 != text_end_) {
        ++at;
      } else if (*at == quote) {
        const bool doubled = quote == '\'' && at + 1 != text_end_ && at[1] == quote;
        if (!doubled) return true;
        ++at;
      }
    }
    return false;
  }
  void leaf(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, TreeNode::Kind kind, const std::string& text) {
    check(mark, tag, anchor);
    add({.kind = kind, .place = place(mark), .text = text}, mark);
  }
  // Counted before yaml-cpp goes down into the list or map.
  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, TreeNode::Kind kind) {
    check(mark, tag, anchor);
    if (character(mark) == '!') throw Refusal{mark, kNoTags};
    const bool is_key = !open_.empty() && open_.back().node.kind == TreeNode::Kind::kMap && !open_.back().has_key;
    if (is_key) throw Refusal{mark, "a key is text, not a list or a map"};
    if (open_.size() >= static_cast<std::size_t>(kProfileNestingMax)) {
      throw Refusal{mark, "lists and maps nest at most " + std::to_string(kProfileNestingMax) + " deep"};
    }
    open_.push_back({.node = {.kind = kind, .place = place(mark)}});
  }
  void close() {
    TreeNode node = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(node), {});
  }
  void add(TreeNode node, const YAML::Mark& mark) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == TreeNode::Kind::kList) {
      parent.node.items.push_back(std::move(node));
    } else if (std::exchange(parent.has_key, !parent.has_key)) {
      TreeEntry& entry = parent.node.entries.back();
      // yaml-cpp puts a value that is not there at the next token, which may be lines below.
      if (node.kind == TreeNode::Kind::kNothing) node.place = entry.place;
      entry.value = std::move(node);
    } else {
      begin_entry(parent.node, node, mark);
    }
  }
  static void begin_entry(TreeNode& map, const TreeNode& key, const YAML::Mark& mark) {
    if (key.kind != TreeNode::Kind::kText) throw Refusal{mark, "a key is text, this is empty"};
    if (const TreeEntry* const first = map.find(key.text)) {
      throw Refusal{
          mark, "key " + in_quotes(key.text) + ": expected once, found again after line " + std::to_string(first->place.line)};
    }
    if (map.entries.size() == kMapKeysMax) throw Refusal{mark, "a map has at most " + std::to_string(kMapKeysMax) + " keys"};
    map.entries.push_back({.key = key.text, .place = key.place});
  }

  std::vector<std::string_view> lines_;
  const char* text_end_;
  std::vector<Open> open_;
  TreeNode root_;
  int file_;
  bool has_document_ = false;
};

// Reads from a string_view without copying it.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    // streambuf wants mutable characters; nothing writes through a get area.
    char* const begin = const_cast<char*>(text.data());
    setg(begin, begin, begin + text.size());
  }
};

// The file as a tree; its root is a map.
Result<TreeNode> parse_tree(std::string_view yaml, const Complaints& complaints, int file) {
  if (yaml.starts_with(kByteOrderMark)) yaml.remove_prefix(kByteOrderMark.size());
  TRY(check_text(yaml, complaints, file));
  TreeBuilder builder(yaml, file);
  try {
    ViewBuffer buffer(yaml);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {}
  } catch (const Refusal& refusal) {
    return complaints.at(builder.place(refusal.mark), refusal.what);
  } catch (const YAML::Exception& error) {
    return complaints.at(builder.place(error.mark), "this is not YAML: " + error.msg);
  }
  TreeNode root = builder.take_root();
  if (root.kind != TreeNode::Kind::kMap)
    return complaints.at(root.place, "expected a profile (a map of keys), found " + describe(root));
  return root;
}

// ---- Loading ----

bool is_path(std::string_view text) {
  return text.find('/') != std::string_view::npos || text.ends_with(".yaml") || text.ends_with(".yml");
}

// Not a name a file can have beside a user's own, so that "phone.yaml" may extend the shipped phone.
std::string shipped_file_name(std::string_view name) { return "<shipped>/" + std::string(name) + ".yaml"; }

std::vector<std::string_view> shipped_names() {
  std::vector<std::string_view> names;
  for (const ShippedProfile& profile : shipped_profiles()) names.push_back(profile.name);
  std::ranges::sort(names);
  return names;
}

const ShippedProfile* find_shipped(std::string_view name) {
  const auto& all = shipped_profiles();
  const auto found = std::ranges::find(all, name, &ShippedProfile::name);
  return found == all.end() ? nullptr : &*found;
}

Result<ParentFile> find_parent(const TreeNode& extends, const Complaints& complaints, const ProfileContext& context) {
  const Place place = extends.place;
  const std::string expected = "the name of a shipped profile (" + listed(shipped_names()) + ") or of a .yaml file";
  if (extends.kind != TreeNode::Kind::kText) return complaints.wrong(place, "extends", expected, describe(extends));
  if (!is_path(extends.text)) {
    const ShippedProfile* const shipped = find_shipped(extends.text);
    if (shipped == nullptr) {
      return complaints.wrong(place, "extends", expected, describe(extends), nearest_word(extends.text, shipped_names()));
    }
    return ParentFile{shipped_file_name(shipped->name), std::string(shipped->yaml)};
  }
  if (!context.parent)
    return complaints.wrong(place, "extends", "the name of a shipped profile, as files cannot be read here", describe(extends));
  // A complaint that names the file is one line.
  if (std::ranges::any_of(extends.text, is_ascii_control))
    return complaints.wrong(place, "extends", "a path without control characters", describe(extends));
  const std::string& extending = complaints.files()[static_cast<std::size_t>(place.file)];
  Result<ParentFile> parent = context.parent(extends.text, extending);
  if (!parent) return complaints.at(place, "key 'extends': " + parent.error().text);
  return parent;
}

// The trees of the file and of all it extends, nearest first.
Result<std::vector<TreeNode>> parse_chain(std::string_view yaml, Complaints& complaints, const ProfileContext& context) {
  std::vector<TreeNode> trees;
  trees.push_back(TRY(parse_tree(yaml, complaints, 0)));
  while (const TreeEntry* const extends = trees.back().find("extends")) {
    if (trees.size() > static_cast<std::size_t>(kProfileExtendsMax)) {
      return complaints.wrong(extends->value.place, "extends",
                              "at most " + std::to_string(kProfileExtendsMax) + " files above the first",
                              describe(extends->value));
    }
    const ParentFile parent = TRY(find_parent(extends->value, complaints, context));
    if (std::ranges::find(complaints.files(), parent.file_name) != complaints.files().end()) {
      return complaints.wrong(extends->value.place, "extends", "a file that does not lead back to this one",
                              describe(extends->value));
    }
    const int file = complaints.add_file(parent.file_name);
    trees.push_back(TRY(parse_tree(parent.yaml, complaints, file)));
  }
  return trees;
}

// In the folder of the file that names it.
Result<ParentFile> read_parent(std::string_view extends, std::string_view extending) {
  const auto path = (std::filesystem::path(extending).parent_path() / extends).lexically_normal();
  std::string yaml = TRY(read_file(path, kProfileBytesMax));
  return ParentFile{path.string(), std::move(yaml)};
}

}  // namespace

Result<Profile> load_profile(std::string_view yaml, std::string_view file_name, const ProfileContext& context) {
  Complaints complaints;
  complaints.add_file(std::string(file_name));
  std::vector<TreeNode> trees = TRY(parse_chain(yaml, complaints, context));
  for (std::size_t i = 1; i < trees.size(); ++i) {
    // Two profiles are never one: a child has a name of its own.
    std::erase_if(trees[i].entries, [](const TreeEntry& entry) { return entry.key == "name" || entry.key == "extends"; });
    inherit(trees[0], trees[i]);
  }
  return read_profile(trees[0], complaints, std::filesystem::path(file_name).stem().string(), context.check_encoder);
}

Result<Profile> find_profile(std::string_view name_or_path, const EncoderCheck& check_encoder) {
  if (is_path(name_or_path)) {
    const auto path = std::filesystem::path(name_or_path).lexically_normal();
    const Result<std::string> yaml = read_file(path, kProfileBytesMax);
    if (!yaml) return fail(FaultKind::kConfig, "profile " + yaml.error().text);
    return load_profile(*yaml, path.string(), {.parent = read_parent, .check_encoder = check_encoder});
  }
  const ShippedProfile* const shipped = find_shipped(name_or_path);
  if (shipped != nullptr) return load_profile(shipped->yaml, shipped_file_name(shipped->name), {.check_encoder = check_encoder});
  std::string text =
      "there is no profile " + in_quotes(name_or_path) + "; there are " + listed(shipped_names()) + " and your own .yaml files";
  const std::string_view nearest = nearest_word(name_or_path, shipped_names());
  if (!nearest.empty()) text += "; did you mean " + in_quotes(nearest) + "?";
  return fail(FaultKind::kConfig, std::move(text));
}

}  // namespace gopmill
