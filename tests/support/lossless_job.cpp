#include "tests/support/lossless_job.h"

#include <gtest/gtest.h>

#include "coordinator/plan/plan.h"
#include "media/steps/work.h"
#include "tests/support/clips.h"
#include "tests/support/parent_double.h"
#include "tests/support/source_builder.h"

namespace gopmill::test {

SourceFacts analysed(const Fd& clip) {
  ParentDouble parent;
  auto facts = analyse(clip.get(), {}, parent.line());
  EXPECT_TRUE(facts) << (facts ? "" : facts.error().text);
  return facts ? *facts : SourceFacts{};
}

std::vector<Fd> lossless_job(const Fd& clip, const SourceFacts& source, Rational segment, Telecine telecine) {
  RenditionProfile lossless = rendition();
  lossless.rate = {.quality = 0};
  lossless.preset = "ultrafast";
  lossless.codec_profile = "auto";
  lossless.level = "auto";
  lossless.encoder_options = {{"x264-params", "qp=0"}};
  Profile profile = profile_with({lossless});
  profile.gop = {1, 1};
  profile.segment = segment;
  profile.telecine = telecine;
  const auto plan = make_plan(source, profile, "clip");
  EXPECT_TRUE(plan) << (plan ? "" : plan.error().text);
  std::vector<Fd> journals;
  for (std::uint32_t t = 0; plan && t < plan->tasks.size(); ++t) {
    const auto request = task_request(*plan, source, profile, t);
    if (!request.video) continue;
    const PacketRun run = plan->tasks[t].run;
    const Fd input = journal_of_track(clip.get(), Media::kVideo,
                                      [&](const JournalPacket& p) { return p.ordinal >= run.first && p.ordinal < run.end; });
    journals.push_back(*temporary_file());
    ParentDouble parent;
    const auto done = transcode(*request.video, input.get(), 0, {journals.back().get()}, parent.line());
    EXPECT_TRUE(done) << (done ? "" : done.error().text);
  }
  return journals;
}

}  // namespace gopmill::test
