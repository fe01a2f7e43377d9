#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gopmill {

// A profile file between YAML and Profile: text, lists and maps that still know where they were written, so that a
// complaint found late can point at the line. Private to profiles/. Values; nothing here knows which keys exist.

struct Place {
  int file = 0;    // 0: the file being loaded; 1: the one it extends; …
  int line = 1;    // from 1
  int column = 1;  // from 1, in characters
};

struct TreeEntry;

struct TreeNode {
  enum class Kind : unsigned char { kNothing, kText, kList, kMap };
  Kind kind = Kind::kNothing;
  Place place;
  std::string text;                // of kText
  std::vector<TreeNode> items;     // of kList
  std::vector<TreeEntry> entries;  // of kMap, as written; keys differ

  // nullptr if there is no such key (or no map). Owned by this node.
  [[nodiscard]] const TreeEntry* find(std::string_view key) const;
  [[nodiscard]] TreeEntry* find(std::string_view key);
};

struct TreeEntry {
  std::string key;
  Place place;  // of the key
  TreeNode value;
};

// Gives `node` what it lacks and `parent` has, in maps within maps too; text and lists of `node` stand. Quality and
// bitrate are two answers to one question, so a node that has one does not inherit the other.
void inherit(TreeNode& node, const TreeNode& parent);

// Words complaints. Holds the names of the files a profile was read from, by Place::file.
class Complaints {
 public:
  // Returns the Place::file of the name.
  int add_file(std::string name);
  [[nodiscard]] const std::vector<std::string>& files() const { return files_; }

  // "file:line:column: what"
  [[nodiscard]] std::unexpected<Fault> at(Place place, std::string_view what) const;
  // "file:line:column: key 'key': expected …, found …; did you mean 'nearest'?"; an empty `nearest` leaves the end out.
  [[nodiscard]] std::unexpected<Fault> wrong(Place place, std::string_view key, std::string_view expected, std::string_view found,
                                             std::string_view nearest = {}) const;

 private:
  std::vector<std::string> files_;
};

// 'text', in quotes, on one line and cut to a length that fits a complaint.
std::string in_quotes(std::string_view text);

// What stands there, for "found …": "nothing", "a list", "a map" or the text in quotes.
std::string describe(const TreeNode& node);

// "a, b, c"
std::string listed(std::span<const std::string_view> words);

// The one of `words` that was probably meant by `found`: by edit distance (insertions, deletions, substitutions and
// swapped neighbours, case ignored), at most 2 and less than half the word, or a well-known other name for it (crf is
// quality). Empty if none is close.
std::string_view nearest_word(std::string_view found, std::span<const std::string_view> words);

}  // namespace gopmill
