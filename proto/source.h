#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/ids.h"
#include "base/overloaded.h"
#include "proto/messages.h"

namespace gopmill {

// Its owner's file, read where it lies.
struct LocalSource {
  std::string path;  // bytes as they are; absolute
  std::uint64_t bytes = 0;
  friend bool operator==(const LocalSource&, const LocalSource&) = default;
};

// A copy that its owner sends into the spool.
struct UploadedSource {
  wire::ArtifactFacts facts;
  friend bool operator==(const UploadedSource&, const UploadedSource&) = default;
};

// Where the bytes of a job's source come from. Whatever depends on the kind of source is asked of this class, or by match(). A value.
// Opening it is the coordinator's: coordinator/spool/source_files.h.
class Source {
 public:
  explicit Source(LocalSource local) : kind_(std::move(local)) {}
  explicit Source(UploadedSource uploaded) : kind_(uploaded) {}
  // As a submission has it on the wire, and back: the fields source_bytes, source_hash and local_path.
  static Source of(const wire::Submission& submission);
  void describe_in(wire::Submission& submission) const;

  // What its owner uploads and the spool then keeps; none where nothing is copied.
  [[nodiscard]] std::optional<wire::ArtifactFacts> upload() const;
  // Whether it makes the coordinator read a file that the submitter only names: for submitters who may read what it may.
  [[nodiscard]] bool needs_trust() const;
  // Room that it takes in the spool.
  [[nodiscard]] std::uint64_t spool_bytes() const;

  // For questions that are asked elsewhere: a function for each kind, else it does not compile.
  template <class... Cases>
  auto match(Cases... cases) const {
    return std::visit(Overloaded{std::move(cases)...}, kind_);
  }

  friend bool operator==(const Source&, const Source&) = default;

 private:
  std::variant<LocalSource, UploadedSource> kind_;
};

// What the spool calls a job's source.
constexpr wire::Artifact source_artifact(JobId job) { return {wire::ArtifactKind::kSource, job, 0, 0, 0}; }

}  // namespace gopmill
