#include "coordinator/spool/source_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "proto/codec.h"
#include "tests/coordinator/service/service_house.h"

namespace gopmill {
namespace {

constexpr JobId kJob{7};
const LocalSource kLocal{"/srv/\xFF in.mov", 5};  // a path is bytes, not text
const UploadedSource kUploaded{{5, 0x1234'5678'9abc'def0}};

// A job's folder in a spool, and files of somebody's next to it.
class SourceTest : public testing::Test, protected test::ServiceHouse {
 protected:
  SourceTest() { EXPECT_TRUE(spool->make_job(kJob)); }

  [[nodiscard]] Source local(const std::string& name) const { return Source(LocalSource{(folder / name).string(), 5}); }
  void put(const std::string& name, std::string_view text) const { std::ofstream(folder / name) << text; }
  void upload(std::string_view text) {
    const auto fd = spool->create(source_artifact(kJob));
    ASSERT_TRUE(fd) << fd.error().text;
    ASSERT_TRUE(write_at(fd->get(), 0, std::as_bytes(std::span(text))));
  }
  [[nodiscard]] std::string content(const Source& source) const {
    const auto fd = open_source(source, *spool, kJob);
    return fd ? *read_all(fd->get(), 100) : "(" + fd.error().text + ")";
  }
};

// A submission that holds something of either kind already.
wire::Submission submission_of(const Source& source) {
  wire::Submission submit;
  submit.source_bytes = 99;
  submit.source_hash = 98;
  submit.local_path = "/left/over";
  source.describe_in(submit);
  return submit;
}

std::vector<Source> every_kind() { return {Source(kLocal), Source(kUploaded)}; }

TEST(Source, FillsInWhatTheWireHasForItsKind) {
  wire::Submission local;
  local.source_bytes = 5;
  local.local_path = kLocal.path;
  EXPECT_EQ(submission_of(Source(kLocal)), local);
  wire::Submission uploaded;
  uploaded.source_bytes = 5;
  uploaded.source_hash = 0x1234'5678'9abc'def0;
  EXPECT_EQ(submission_of(Source(kUploaded)), uploaded);
}

TEST(Source, IsTheSameAfterTheWire) {
  for (const Source& source : every_kind()) {
    wire::Submission submit = submission_of(source);
    submit.source_name = "in.mov";
    const auto arrived = wire::decode_control(wire::encode(wire::Control(wire::Submit{.submission = submit})));
    ASSERT_TRUE(arrived) << arrived.error().text;
    EXPECT_EQ(Source::of(std::get<wire::Submit>(*arrived).submission), source);
  }
}

// Whoever submits with a key again is told apart by its source, also when the job is over and the store keeps less of it.
TEST_F(SourceTest, IsTheSameAfterTheStore) {
  for (const Source& source : every_kind()) {
    wire::Submission submit = submission_of(source);
    submit.key = source.needs_trust() ? "local" : "uploaded";
    submit.profile_yaml = "renditions: []";
    const auto added = store->add(submit, 1'700'000'000'000);
    ASSERT_TRUE(added && store->record({facts::JobAccepted{added->job, 50, source.upload().has_value()}}));
    EXPECT_EQ(Source::of((*store->submission(added->job))->submission), source);
    ASSERT_TRUE(store->record({facts::JobEnded{added->job, wire::JobState::kCancelled, {}}}));
    EXPECT_EQ((*store->submission(added->job))->submission.profile_yaml, "");
    EXPECT_EQ(Source::of((*store->submission(added->job))->submission), source);
  }
}

TEST(Source, IsWhatEveryPartOfItSays) {
  EXPECT_EQ(Source(kLocal), Source(kLocal));
  EXPECT_NE(Source(kLocal), Source(kUploaded));
  EXPECT_NE(Source(kLocal), Source(LocalSource{kLocal.path, 6}));
  EXPECT_NE(Source(kLocal), Source(LocalSource{"/srv/other.mov", 5}));
  EXPECT_NE(Source(kUploaded), Source(UploadedSource{{6, kUploaded.facts.hash}}));
  EXPECT_NE(Source(kUploaded), Source(UploadedSource{{5, 1}}));
}

TEST(Source, OfALocalFileIsReadInPlaceOfCopied) {
  const Source source(kLocal);
  EXPECT_EQ(source.upload(), std::nullopt);
  EXPECT_TRUE(source.needs_trust());
  EXPECT_EQ(source.spool_bytes(), 0U);
}

TEST(Source, ThatIsUploadedTakesRoomAndNoTrust) {
  const Source source(kUploaded);
  EXPECT_EQ(source.upload(), kUploaded.facts);
  EXPECT_FALSE(source.needs_trust());
  EXPECT_EQ(source.spool_bytes(), 5U);
}

// Nothing else makes a difference of kind: a path is followed even beside a hash, and a coordinator asks for trust first.
TEST(Source, WithAPathIsLocalWhateverElseIsSaid) {
  wire::Submission submit;
  submit.source_bytes = 5;
  submit.source_hash = 1;
  submit.local_path = kLocal.path;
  EXPECT_EQ(Source::of(submit), Source(kLocal));
  EXPECT_EQ(Source::of(wire::Submission()), Source(UploadedSource{}));
}

TEST_F(SourceTest, ThatIsLocalIsOpenedWhereItLies) {
  put("in.mov", "bytes");
  EXPECT_EQ(content(local("in.mov")), "bytes");
  EXPECT_TRUE(is_in(*spool, kJob, local("in.mov"))) << "the spool keeps nothing of it";
  EXPECT_TRUE(is_in(*spool, kJob, local("gone.mov")));
}

TEST_F(SourceTest, ThatIsLocalHasToBeAFile) {
  const auto gone = open_source(local("gone.mov"), *spool, kJob);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error(),
            (Fault{FaultKind::kNoInput, "cannot open " + (folder / "gone.mov").string() + ": No such file or directory"}));
  const auto whole_folder = open_source(local("spool"), *spool, kJob);
  ASSERT_FALSE(whole_folder);
  EXPECT_EQ(whole_folder.error(), (Fault{FaultKind::kNoInput, (folder / "spool").string() + " is a folder, not a file"}));
}

TEST_F(SourceTest, ThatIsUploadedIsThereOnceItIsWhole) {
  const Source source(kUploaded);
  EXPECT_FALSE(is_in(*spool, kJob, source));
  EXPECT_FALSE(open_source(source, *spool, kJob));
  upload("bytes");
  EXPECT_FALSE(is_in(*spool, kJob, source)) << "it may be half";
  EXPECT_FALSE(open_source(source, *spool, kJob));
  ASSERT_TRUE(spool->finish(source_artifact(kJob), true));
  EXPECT_TRUE(is_in(*spool, kJob, source));
  EXPECT_EQ(content(source), "bytes");
  EXPECT_FALSE(is_in(*spool, JobId{8}, source)) << "another job's";
}

// What cannot be a source at all is refused before anybody asks for its kind.
TEST(Source, IsRefusedOnTheWireWhereItCannotBe) {
  const auto refusal = [](const LocalSource& local) {
    const auto arrived =
        wire::decode_control(wire::encode(wire::Control(wire::Submit{.submission = submission_of(Source(local))})));
    return arrived ? "taken" : arrived.error().text;
  };
  EXPECT_EQ(refusal({std::string(wire::kPathBytesMax + 1, 'a'), 5}), "Submit.local_path is 4097 bytes, at most 4096 are allowed");
  EXPECT_EQ(refusal({std::string("/a\0b", 4), 5}), "Submit.local_path has a zero byte");
  EXPECT_EQ(refusal({"/a", wire::kArtifactBytesMax + 1}),
            "Submit.source_bytes is 17592186044417, at most 17592186044416 is allowed");
}

}  // namespace
}  // namespace gopmill
