#include "proto/codec.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <type_traits>
#include <variant>

#include "tests/proto/messages.h"

namespace gopmill::wire {
namespace {

Result<Control> there_and_back(const Control& message) { return decode_control(encode(message)); }
Result<Data> there_and_back(const Data& message) { return decode_data(encode(message)); }

// ---- Everything that is sent arrives ----

TEST(Codec, CarriesEveryControlMessage) {
  const auto messages = tests::every_control();
  ASSERT_EQ(messages.size(), std::variant_size_v<Control>);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    ASSERT_EQ(messages[i].index(), i) << "one of each";
    const auto back = there_and_back(messages[i]);
    ASSERT_TRUE(back) << back.error().text;
    EXPECT_TRUE(*back == messages[i]) << "message " << i;
  }
}

TEST(Codec, CarriesEveryDataMessage) {
  const auto messages = tests::every_data();
  ASSERT_EQ(messages.size(), std::variant_size_v<Data>);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    ASSERT_EQ(messages[i].index(), i) << "one of each";
    const auto back = there_and_back(messages[i]);
    ASSERT_TRUE(back) << back.error().text;
    EXPECT_TRUE(*back == messages[i]) << "message " << i;
  }
}

TEST(Codec, CarriesWhatIsEmptyAndWhatIsLargest) {
  JobStatus bare;
  bare.state = JobState::kUploading;
  EXPECT_EQ(there_and_back(Control(JobReply{1, bare, {}})), Control(JobReply{1, bare, {}})) << "unknown eta, no fault";
  Heartbeat full{WorkerId{1}, std::vector<RunningTask>(kRunningMax, RunningTask{{JobId{~0ull}, ~0u}, ~0u, ~0ull})};
  EXPECT_EQ(there_and_back(Control(full)), Control(full));
  Submit submit = std::get<Submit>(tests::every_control()[tests::index_of<Submit, Control>]);
  submit.submission.profile_yaml.assign(kProfileYamlBytesMax, 'y');
  submit.submission.local_path = "/\xFF\xFE";  // a path is bytes
  EXPECT_EQ(there_and_back(Control(submit)), Control(submit));
  const Data chunk = Chunk{{ArtifactKind::kSource, JobId{1}}, kArtifactBytesMax, 1, std::string(kChunkBytes, '\xFF')};
  EXPECT_LE(encode(chunk).size(), kMessageBytesMax);
  EXPECT_EQ(there_and_back(chunk), chunk);
}

TEST(Codec, MakesTextForPeopleFitToBeSent) {
  const auto fault_after = [](std::string text) {
    return std::get<Refused>(*there_and_back(Control(Refused{1, {FaultKind::kInput, std::move(text)}}))).fault.text;
  };
  EXPECT_EQ(fault_after("caf\xE9.mp4"), "caf\xEF\xBF\xBD.mp4");
  EXPECT_EQ(fault_after("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") << "a surrogate is three wrong bytes";
  EXPECT_EQ(fault_after("caf\xC3\xA9 \xF0\x9F\x8E\xAC"), "caf\xC3\xA9 \xF0\x9F\x8E\xAC");
  EXPECT_EQ(fault_after(std::string(kFaultBytesMax - 1, 'x') + "\xC3\xA9"), std::string(kFaultBytesMax - 1, 'x'))
      << "never half a character";
  JobStatus status;
  status.state = JobState::kRunning;
  status.notes.assign(kNotesListed + 3, std::string(kNoteBytesMax + 1, 'n'));
  const auto back = std::get<JobReply>(*there_and_back(Control(JobReply{1, status, {}})));
  EXPECT_EQ(back.job.notes, std::vector(kNotesListed, std::string(kNoteBytesMax, 'n')));
}

TEST(Codec, LeavesOutTheOldestJobsOfAListThatWouldNotFit) {
  JobStatus large;
  large.state = JobState::kDone;
  large.notes.assign(kNotesListed, std::string(kNoteBytesMax, 'n'));
  JobsReply reply{1, std::vector(kJobsListed, large)};
  for (std::size_t i = 0; i < reply.jobs.size(); ++i) reply.jobs[i].job = JobId{1000 - i};
  const std::string bytes = encode(Control(reply));
  EXPECT_LE(bytes.size(), kMessageBytesMax);
  EXPECT_GT(bytes.size(), kMessageBytesMax - 100'000);
  const auto back = std::get<JobsReply>(*decode_control(bytes));
  EXPECT_EQ(back.jobs.front().job, JobId{1000});
  EXPECT_EQ(back.jobs.back().job, JobId{1001 - back.jobs.size()});
}

// ---- What is out of bounds is refused, by name ----

// The refusal of what `spoil` makes of a good message.
template <class Message, class Spoil>
std::string refusal(Spoil spoil) {
  using Plane = std::conditional_t<std::is_constructible_v<Control, Message>, Control, Data>;
  Plane message;
  if constexpr (std::is_same_v<Plane, Control>) {
    message = tests::every_control()[tests::index_of<Message, Control>];
  } else {
    message = tests::every_data()[tests::index_of<Message, Data>];
  }
  spoil(std::get<Message>(message));
  const auto back = there_and_back(message);
  if (back) return "accepted";
  EXPECT_EQ(back.error().kind, FaultKind::kInput);
  return back.error().text;
}

TEST(Codec, RefusesTextThatIsTooLongOrNotText) {
  EXPECT_EQ(refusal<WorkerHello>([](auto& m) { m.build.assign(1025, 'x'); }),
            "WorkerHello.build is 1025 bytes, at most 1024 are allowed");
  EXPECT_EQ(refusal<WorkerHello>([](auto& m) { m.build = "\xC0\x80"; }), "WorkerHello.build is not UTF-8");
  EXPECT_EQ(refusal<Welcome>([](auto& m) { m.data_endpoint.assign(256, 'x'); }),
            "Welcome.data_endpoint is 256 bytes, at most 255 are allowed");
  EXPECT_EQ(refusal<Submit>([](auto& m) { m.submission.key = "\xFF"; }), "Submit.key is not UTF-8");
  EXPECT_EQ(refusal<Submit>([](auto& m) { m.submission.profile_yaml = "\xF5\x80\x80\x80"; }), "Submit.profile_yaml is not UTF-8");
  EXPECT_EQ(refusal<Submit>([](auto& m) { m.submission.profile_yaml.assign(256 * 1024 + 1, 'x'); }),
            "Submit.profile_yaml is 262145 bytes, at most 262144 are allowed");
  EXPECT_EQ(refusal<Submit>([](auto& m) { m.submission.local_path.assign(4097, 'x'); }),
            "Submit.local_path is 4097 bytes, at most 4096 are allowed");
  EXPECT_EQ(refusal<Submit>([](auto& m) { m.submission.output_folder = std::string("a\0b", 3); }),
            "Submit.output_folder has a zero byte");
  EXPECT_EQ(refusal<JobReply>([](auto& m) { m.job.files[0].sha256 = "\x80"; }), "JobReply.files.sha256 is not UTF-8");
}

TEST(Codec, RefusesAbilitiesOutOfBounds) {
  EXPECT_EQ(refusal<WorkerHello>([](auto& m) { m.abilities.encoders[0].assign(1, '\xFF'); }), "accepted") << "cleaned when sent";
  EXPECT_EQ(refusal<WorkerHello>([](auto& m) { m.abilities.encoders.assign(kEncodersMax, "x"); }), "accepted");
  EXPECT_EQ(refusal<WorkerHello>([](auto& m) { m.abilities.decoders.assign(kDecodersMax, "x"); }), "accepted");
  // By hand: our own encoder sends none of these. A field of text is its number and wire type (2), its length, its bytes.
  const auto hello_with = [](char field, const std::string& name, std::size_t times) {
    std::string hello = encode(Control(WorkerHello{}));
    const auto varint = [](std::size_t value) {
      std::string bytes;
      for (; value >= 0x80; value >>= 7U) bytes += static_cast<char>((value & 0x7FU) | 0x80U);
      return bytes + static_cast<char>(value);
    };
    std::string inside;
    for (std::size_t i = 0; i < times; ++i) inside += static_cast<char>(field << 3 | 2) + varint(name.size()) + name;
    // The same message field again is merged into the first.
    hello += static_cast<char>(1 << 3 | 2) + varint(inside.size()) + inside;
    const auto back = decode_control(hello);
    return back ? std::string("accepted") : back.error().text;
  };
  EXPECT_EQ(hello_with(6, "libx264", kEncodersMax), "accepted");
  EXPECT_EQ(hello_with(6, "libx264", kEncodersMax + 1), "WorkerHello.encoders has 65 entries, at most 64 are allowed");
  EXPECT_EQ(hello_with(7, "h264", kDecodersMax + 1), "WorkerHello.decoders has 257 entries, at most 256 are allowed");
  EXPECT_EQ(hello_with(6, std::string(65, 'x'), 1), "WorkerHello.encoders is 65 bytes, at most 64 are allowed");
  EXPECT_EQ(hello_with(7, "\xFF", 1), "WorkerHello.decoders is not UTF-8");
}

TEST(Codec, RefusesNamesThatLeadElsewhere) {
  for (const std::string& name :
       {std::string("../x"), std::string(".."), std::string("."), std::string("/etc/passwd"), std::string("a\0b", 3)}) {
    EXPECT_EQ(refusal<Submit>([&](auto& m) { m.submission.source_name = name; }), "Submit.source_name is not a file name");
    EXPECT_EQ(refusal<Submit>([&](auto& m) { m.submission.output_base = name; }), "Submit.output_base is not a file name");
  }
  // Outputs may lie in folders below their job's.
  for (const char* path : {"", "/etc/passwd", "a/../../b", "a//b", "a\nb"}) {
    EXPECT_TRUE(
        refusal<JobReply>([&](auto& m) { m.job.files[0].name = path; }).starts_with("JobReply.files.name names no output: "));
  }
  EXPECT_EQ(refusal<JobReply>([](auto& m) { m.job.files[0].name = "1080p/segment_1.m4s"; }), "accepted");
  EXPECT_EQ(refusal<JobReply>([](auto& m) { m.job.files[0].kind = static_cast<OutputKind>(9); }),
            "JobReply.files.kind is 9, which names nothing");
  EXPECT_EQ(refusal<Submit>([](auto& m) { m.submission.source_name = "it's a \"name\"\n%s..mp4"; }), "accepted")
      << "odd, but a file's name";
}

TEST(Codec, RefusesNumbersOutOfRange) {
  EXPECT_EQ(refusal<WorkerHello>([](auto& m) { m.slots = 1025; }), "WorkerHello.slots is 1025, at most 1024 is allowed");
  EXPECT_EQ(refusal<Submit>([](auto& m) { m.submission.priority = 101; }), "Submit.priority is 101, at most 100 is allowed");
  EXPECT_EQ(refusal<Submit>([](auto& m) { m.submission.source_bytes = kArtifactBytesMax + 1; }),
            "Submit.source_bytes is 17592186044417, at most 17592186044416 is allowed");
  EXPECT_EQ(refusal<Assign>([](auto& m) { m.outputs = 65; }), "Assign.outputs is 65, at most 64 is allowed");
  EXPECT_EQ(refusal<Assign>([](auto& m) { m.time_max = Duration{-1}; }), "Assign.time_max is -1 ms, which is out of range");
  EXPECT_EQ(refusal<Assign>([](auto& m) { m.input.bytes = ~0ull; }),
            "Assign.facts.bytes is 18446744073709551615, at most 17592186044416 is allowed");
  EXPECT_EQ(refusal<Welcome>([](auto& m) { m.silence_max = kDurationMax + Duration{1}; }),
            "Welcome.silence_max is 3153600000001 ms, which is out of range");
  EXPECT_EQ(refusal<JobReply>([](auto& m) { m.job.work_done = 1.01; }), "JobReply.work_done is not between 0 and 1");
  EXPECT_EQ(refusal<JobReply>([](auto& m) { m.job.work_done = std::numeric_limits<double>::quiet_NaN(); }),
            "JobReply.work_done is not between 0 and 1");
  EXPECT_EQ(refusal<Fetch>([](auto& m) { m.credit = kCreditBytes + 1; }), "Fetch.credit is 4194305, at most 4194304 is allowed");
  EXPECT_EQ(refusal<Grant>([](auto& m) { m.offset = kArtifactBytesMax + 1; }),
            "Grant.offset is 17592186044417, at most 17592186044416 is allowed");
  EXPECT_EQ(refusal<Chunk>([](auto& m) { m.bytes.clear(); }), "Chunk.bytes is empty");
}

TEST(Codec, RefusesWhatNamesNothing) {
  EXPECT_EQ(refusal<Refused>([](auto& m) { m.fault.kind = FaultKind{}; }), "Refused.fault.kind is 0, which names nothing");
  EXPECT_EQ(refusal<TaskFailed>([](auto& m) { m.fault.kind = FaultKind{11}; }),
            "TaskFailed.fault.kind is 11, which names nothing");
  EXPECT_EQ(refusal<JobReply>([](auto& m) { m.job.state = JobState{11}; }), "JobReply.state is 11, which names nothing");
  EXPECT_EQ(refusal<Store>([](auto& m) { m.artifact.kind = ArtifactKind{5}; }), "Store.artifact.kind is 5, which names nothing");
  EXPECT_EQ(refusal<Stored>([](auto& m) { m.artifact.kind = ArtifactKind{}; }), "Stored.artifact.kind is 0, which names nothing");
}

// ---- What our own encoder never makes: bytes written by hand ----

// A field of protobuf that holds bytes: number, length, bytes.
std::string field(unsigned number, const std::string& bytes) {
  const auto varint = [](std::uint64_t value) {
    std::string text;
    for (; value >= 0x80; value >>= 7) text += static_cast<char>(value | 0x80);
    return text + static_cast<char>(value);
  };
  return varint(number << 3 | 2) + varint(bytes.size()) + bytes;
}
std::string repeated(unsigned number, const std::string& bytes, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += field(number, bytes);
  return all;
}

std::string control_refusal(const std::string& bytes) {
  const auto message = decode_control(bytes);
  return message ? "accepted" : message.error().text;
}

TEST(Codec, RefusesListsThatAreTooLong) {
  EXPECT_EQ(control_refusal(field(4, repeated(2, "", kRunningMax))), "accepted");
  EXPECT_EQ(control_refusal(field(4, repeated(2, "", kRunningMax + 1))),
            "Heartbeat.running has 1025 entries, at most 1024 are allowed");
  EXPECT_EQ(control_refusal(field(5, repeated(2, "", kRunningMax + 1))),
            "HeartbeatAck.drop has 1025 entries, at most 1024 are allowed");
  EXPECT_EQ(control_refusal(field(8, repeated(5, "", kOutputsMax + 1))),
            "TaskDone.outputs has 65 entries, at most 64 are allowed");
  EXPECT_EQ(control_refusal(field(8, field(4, std::string(65'537, 'r')))),
            "TaskDone.result is 65537 bytes, at most 65536 are allowed");
  EXPECT_EQ(control_refusal(field(20, repeated(2, std::string("\x30\x01"), kJobsListed))), "accepted");
  EXPECT_EQ(control_refusal(field(20, repeated(2, "", kJobsListed + 1))),
            "JobsReply.jobs has 201 entries, at most 200 are allowed");
  EXPECT_EQ(control_refusal(field(21, repeated(2, "", kWorkersListed + 1))),
            "WorkersReply.workers has 1001 entries, at most 1000 are allowed");
  const std::string running = "\x30\x04";
  EXPECT_EQ(control_refusal(field(19, field(2, running + repeated(19, "", kRenditionsListed + 1)))),
            "JobReply.renditions has 65 entries, at most 64 are allowed");
  EXPECT_EQ(control_refusal(field(19, field(2, running + repeated(21, "", kFilesListed + 1)))),
            "JobReply.files has 65 entries, at most 64 are allowed");
  EXPECT_EQ(control_refusal(field(19, field(2, running + repeated(22, "", kNotesListed + 1)))),
            "JobReply.notes has 65 entries, at most 64 are allowed");
}

TEST(Codec, RefusesCrowdsBeforeTheyTakeMemory) {
  const std::size_t crowd = kMessageBytesMax / 3 - 100;
  EXPECT_EQ(control_refusal(field(4, repeated(2, "", crowd))), "control message is malformed");
  EXPECT_EQ(control_refusal(field(20, field(2, repeated(21, "", crowd)))), "control message is malformed");
  EXPECT_EQ(control_refusal(field(19, field(2, repeated(21, "", crowd)))), "control message is malformed");
}

TEST(Codec, RefusesWhatIsNoMessage) {
  EXPECT_EQ(control_refusal(""), "control message is of no known kind");
  EXPECT_EQ(control_refusal(field(99, "")), "control message is of no known kind") << "of a later version";
  EXPECT_EQ(control_refusal("\xFF"), "control message is malformed");
  EXPECT_EQ(control_refusal(std::string("\x0B\x0C", 2)), "control message is malformed") << "a group";
  EXPECT_EQ(control_refusal(field(4, "x").substr(0, 2)), "control message is malformed") << "cut off";
  EXPECT_EQ(control_refusal(std::string(kMessageBytesMax + 1, 'x')), "control message is too long");
  EXPECT_EQ(decode_data("").error().text, "data message is of no known kind");
  EXPECT_EQ(decode_data("\xFF").error().text, "data message is malformed");
  EXPECT_EQ(decode_data(std::string(kMessageBytesMax + 1, 'x')).error().text, "data message is too long");
}

TEST(Codec, SkipsFieldsOfLaterVersions) {
  EXPECT_EQ(decode_control(field(11, std::string("\x08\x05") + field(77, "news"))), Control(Goodbye{WorkerId{5}}));
}

// ---- Noise ----

// Bytes changed, added, removed and doubled at random. Whatever decodes must encode and decode to itself again.
TEST(Codec, SurvivesTenThousandMutations) {
  std::mt19937 random(1);
  const auto mutate = [&](std::string bytes) {
    for (unsigned times = 1 + random() % 4; times > 0 && !bytes.empty(); --times) {
      const std::size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0: bytes[at] = static_cast<char>(random()); break;
        case 1: bytes.insert(at, 1, static_cast<char>(random())); break;
        case 2: bytes.erase(at, 1 + random() % 4); break;
        default: bytes.insert(at, bytes.substr(at, random() % 64)); break;
      }
    }
    return bytes;
  };
  const auto controls = tests::every_control();
  const auto datas = tests::every_data();
  int accepted = 0;
  for (int i = 0; i < 10'000; ++i) {
    if (const auto message = decode_control(mutate(encode(controls[static_cast<std::size_t>(i) % controls.size()])))) {
      ++accepted;
      ASSERT_EQ(there_and_back(*message), *message) << "mutation " << i;
    }
    if (const auto message = decode_data(mutate(encode(datas[static_cast<std::size_t>(i) % datas.size()])))) {
      ++accepted;
      ASSERT_EQ(there_and_back(*message), *message) << "mutation " << i;
    }
  }
  EXPECT_GT(accepted, 100) << "mutations this mild must leave some messages whole";
}

}  // namespace
}  // namespace gopmill::wire
