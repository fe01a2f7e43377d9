#include "coordinator/store/store.h"

#include <algorithm>
#include <deque>
#include <map>

#include "base/archive.h"
#include "coordinator/store/fact_codec.h"
#include "coordinator/store/sql.h"
#include "coordinator/store/store_schema.h"

namespace gopmill {

namespace wire {
// Rows begin with what a message had before its submission: no reader needs it, and rows of today can be read by yesterday's
// gopmill.
template <class A>
void fields(A& a, Submission& v) {
  std::uint64_t request = 0;
  std::uint32_t protocol = kProtocolVersion;
  std::string build;
  a(request, protocol, build, v.key, v.source_name, v.source_bytes, v.source_hash, v.local_path, v.profile_name, v.profile_yaml,
    v.priority, v.output_base, v.output_folder);
  // Rows that are older than this field end here.
  if constexpr (requires { a.at_end(); }) {
    if (a.at_end()) return;
  }
  a(v.slots_max);
}
}  // namespace wire

namespace {

constexpr std::int64_t kWorkerBlock = 1'000'000;  // worker ids one run of the coordinator may give
// What a restored store passes over: more jobs and starts than there can have been since its backup was made.
constexpr std::uint64_t kJobIdsSkipped = 100'000;
constexpr std::int64_t kWorkerBlocksSkipped = 1'000;
// Of a copy: 1 MiB, some milliseconds, so that heartbeats are answered in between.
constexpr int kPagesPerStep = 256;
// The oldest jobs that are over are looked at when new ones come, so that forgetting them never takes long; more than one
// for each, so that a limit that was lowered is reached some day.
constexpr std::int64_t kForgottenPerSubmission = 4;
// Facts of jobs that are over are dropped so many with each commit, some 5 ms of work: the longest job has a million, and the
// loop has heartbeats to answer.
constexpr std::int64_t kDroppedPerCommit = 2'000;

std::int64_t row_id(JobId job) { return static_cast<std::int64_t>(job.value); }
JobId job_id(std::int64_t row) { return JobId{static_cast<std::uint64_t>(row)}; }

// After it nothing of the job is ever recorded or acted on again.
std::optional<JobId> job_that_is_over(const Fact& fact) {
  if (const auto* forgotten = std::get_if<facts::JobForgotten>(&fact)) return forgotten->job;
  const auto* ended = std::get_if<facts::JobEnded>(&fact);
  if (ended != nullptr && ended->state != wire::JobState::kDone) return ended->job;
  return std::nullopt;
}

// EXCLUSIVE: a second coordinator on the same folder must fail at once, not corrupt the first one's view. The size limit
// gives back what a single large commit left in the log.
constexpr const char* kSettings =
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=16777216";

}  // namespace

struct Store::State {
  explicit State(sql::Database opened) : database(std::move(opened)) {}

  Result<> prepare();
  Result<std::optional<AcceptedSubmission>> submission(JobId job);
  Result<> write(const AcceptedSubmission& accepted);
  Result<> write(const Fact& fact);
  static Result<Fact> read(const sql::Query& row);  // of job, kind, body
  // Keeps of a job that is over what is still asked for; its facts are dropped later.
  Result<> retire(JobId job);
  // Drops a bounded number of facts of jobs that are over; returns how many of these jobs have none left.
  Result<std::size_t> drop_facts_of(const std::deque<JobId>& jobs);
  // Forgets the oldest jobs that are over, a bounded number of them; returns how many are left of `ended`.
  Result<std::int64_t> forget_oldest(std::int64_t ended, std::size_t submissions);

  // Before the statements: it is closed after they are.
  sql::Database database;
  sql::Statement find_key, find_submission, add_submission, drop_submission;
  sql::Statement add_fact, keep_end, drop_facts, all_facts, find_end, newest_ended, oldest_ended, drop_ended;
  sql::Statement reserve_workers;

  std::map<JobId, AcceptedSubmission> added;  // not accepted yet
  std::deque<JobId> leaving;                  // over, and with facts to drop
  std::uint64_t last_job = 0;
  std::int64_t ended = 0;  // jobs that are over and not forgotten
  std::int64_t ended_kept_max = kEndedKeptMax;
};

Result<> Store::State::prepare() {
  const auto statement = [this](sql::Statement& into, const char* text) -> Result<> {
    into = TRY(database.prepare(text));
    return {};
  };
  TRY(statement(find_key, "SELECT job FROM submission WHERE key = ?"));
  TRY(statement(find_submission, "SELECT key, submitted_unix_ms, submit FROM submission WHERE job = ?"));
  TRY(statement(add_submission, "INSERT INTO submission (job, key, submitted_unix_ms, submit) VALUES (?, ?, ?, ?)"));
  TRY(statement(drop_submission, "DELETE FROM submission WHERE job = ?"));
  TRY(statement(add_fact, "INSERT INTO fact (job, kind, body) VALUES (?, ?, ?)"));
  TRY(statement(keep_end, ("INSERT OR IGNORE INTO ended_fact SELECT job, kind, body FROM fact WHERE job = ? AND kind IN (" +
                           std::string(kFactKindsKept) + ")")
                              .c_str()));
  TRY(statement(drop_facts, "DELETE FROM fact WHERE seq IN (SELECT seq FROM fact WHERE job = ? LIMIT ?)"));
  TRY(statement(all_facts, "SELECT job, kind, body FROM fact ORDER BY seq"));
  TRY(statement(find_end,
                "SELECT kind, body FROM ended_fact WHERE job = ?1 AND kind = ?2"
                " UNION ALL SELECT kind, body FROM fact WHERE job = ?1 AND kind = ?2"));
  TRY(statement(newest_ended,
                "SELECT job, kind, body FROM ended_fact WHERE job IN"
                " (SELECT DISTINCT job FROM ended_fact ORDER BY job DESC LIMIT ?)"
                // The order of a job's life; 12 is an acceptance, as 1 is.
                " ORDER BY CASE kind WHEN 12 THEN 1 ELSE kind END, job"));
  TRY(statement(oldest_ended, "SELECT DISTINCT job FROM ended_fact ORDER BY job LIMIT ?"));
  TRY(statement(drop_ended, "DELETE FROM ended_fact WHERE job = ?"));
  TRY(statement(reserve_workers, "UPDATE worker_block SET next = next + ? RETURNING next"));
  last_job = static_cast<std::uint64_t>(
      TRY(database.integer("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'submission'), 0)")));
  ended = TRY(database.integer("SELECT count(DISTINCT job) FROM ended_fact"));
  sql::Statement half_gone = TRY(
      database.prepare("SELECT DISTINCT job FROM fact WHERE EXISTS (SELECT 1 FROM ended_fact WHERE ended_fact.job = fact.job)"));
  sql::Query row(half_gone);
  while (TRY(row.step())) leaving.push_back(job_id(row.integer(0)));
  return {};
}

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Result<Store> Store::open(const std::filesystem::path& file, const char* vfs, std::int64_t ended_kept_max) {
  auto state = std::make_unique<State>(TRY(sql::Database::open(file, vfs)));
  state->ended_kept_max = ended_kept_max;
  const auto make_ready = [&]() -> Result<> {
    TRY(state->database.run(kSettings));
    TRY(migrate_store(state->database));
    TRY(state->database.run("BEGIN IMMEDIATE; COMMIT"));  // takes the lock now
    return state->prepare();
  };
  if (auto ready = make_ready(); !ready) {
    Fault fault = std::move(ready.error()).within(file.string());
    if (fault.kind == FaultKind::kUnavailable) fault.text += "; is another coordinator running on this folder?";
    return std::unexpected(std::move(fault));
  }
  return Store(std::move(state));
}

// ---- Submissions ----

Result<Store::Added> Store::add(const wire::Submission& submission, std::int64_t now_unix_ms) {
  for (const auto& [job, waiting] : state_->added) {
    if (waiting.key == submission.key) return Added{job, true};
  }
  sql::Query known(state_->find_key);
  if (TRY(known.bind_text(submission.key).step())) return Added{job_id(known.integer(0)), true};
  const JobId job{++state_->last_job};
  state_->added.emplace(job, AcceptedSubmission{job, submission.key, now_unix_ms, submission});
  return Added{job, false};
}

void Store::forget(JobId job) { state_->added.erase(job); }

Result<std::optional<AcceptedSubmission>> Store::submission(JobId job) { return state_->submission(job); }

Result<std::optional<AcceptedSubmission>> Store::State::submission(JobId job) {
  if (const auto waiting = added.find(job); waiting != added.end()) return std::optional(waiting->second);
  sql::Query row(find_submission);
  if (!TRY(row.bind(row_id(job)).step())) return std::optional<AcceptedSubmission>();
  return std::optional(
      AcceptedSubmission{job, row.bytes(0), row.integer(1), TRY(decode<wire::Submission>(row.bytes(2), "a stored submission"))});
}

// ---- Recording ----

Result<> Store::record(const std::vector<Fact>& facts) {
  if (facts.empty()) return {};
  State& state = *state_;
  sql::Transaction transaction = TRY(sql::Transaction::begin(state.database));
  std::vector<JobId> accepted;
  std::deque<JobId> leaving = state.leaving;
  std::int64_t ended = state.ended;
  for (const Fact& fact : facts) {
    if (const auto* acceptance = std::get_if<facts::JobAccepted>(&fact)) {
      if (const auto waiting = state.added.find(acceptance->job); waiting != state.added.end()) {
        TRY(state.write(waiting->second));
        accepted.push_back(acceptance->job);
      }
    }
    TRY(state.write(fact));
    if (const auto job = job_that_is_over(fact)) {
      TRY(state.retire(*job));
      leaving.push_back(*job);
      ++ended;
    }
  }
  const std::size_t dropped = TRY(state.drop_facts_of(leaving));
  leaving.erase(leaving.begin(), leaving.begin() + static_cast<std::ptrdiff_t>(dropped));
  if (!accepted.empty()) ended = TRY(state.forget_oldest(ended, accepted.size()));
  TRY(transaction.finish());
  for (const JobId job : accepted) state.added.erase(job);
  state.leaving = std::move(leaving);
  state.ended = ended;
  return {};
}

Result<> Store::State::write(const AcceptedSubmission& accepted) {
  const std::string row = encode(accepted.submission);
  sql::Query insert(add_submission);
  insert.bind(row_id(accepted.job)).bind_text(accepted.key).bind(accepted.submitted_unix_ms).bind(row);
  TRY(insert.step());
  return {};
}

Result<> Store::State::write(const Fact& fact) {
  const FactRow row = to_row(fact);
  TRY(sql::Query(add_fact).bind(row_id(row.job)).bind(row.kind).bind(row.body).step());
  return {};
}

Result<> Store::State::retire(JobId job) {
  TRY(sql::Query(keep_end).bind(row_id(job)).step());
  auto known = TRY(submission(job));
  if (!known) return {};
  known->submission.profile_yaml.clear();
  // Not updated in place: SQLite joins emptied pages when rows go, and leaves them when rows shrink.
  TRY(sql::Query(drop_submission).bind(row_id(job)).step());
  return write(*known);
}

Result<std::size_t> Store::State::drop_facts_of(const std::deque<JobId>& jobs) {
  std::int64_t left = kDroppedPerCommit;
  std::size_t done = 0;
  for (const JobId job : jobs) {
    TRY(sql::Query(drop_facts).bind(row_id(job)).bind(left).step());
    left -= database.changes();
    if (left <= 0) break;
    ++done;
  }
  return done;
}

Result<std::int64_t> Store::State::forget_oldest(std::int64_t jobs, std::size_t submissions) {
  const std::int64_t too_many = jobs - ended_kept_max;
  if (too_many <= 0) return jobs;
  std::vector<JobId> old;
  {
    sql::Query oldest(oldest_ended);
    oldest.bind(std::min(too_many, kForgottenPerSubmission * static_cast<std::int64_t>(submissions)));
    while (TRY(oldest.step())) old.push_back(job_id(oldest.integer(0)));
  }
  for (const JobId job : old) {
    TRY(sql::Query(drop_ended).bind(row_id(job)).step());
    TRY(sql::Query(drop_submission).bind(row_id(job)).step());
  }
  return jobs - static_cast<std::int64_t>(old.size());
}

// ---- Reading ----

Result<Fact> Store::State::read(const sql::Query& row) {
  return from_row({static_cast<int>(row.integer(1)), job_id(row.integer(0)), row.bytes(2)});
}

Result<std::vector<Fact>> Store::living_facts() {
  std::vector<Fact> facts;
  sql::Query ended(state_->newest_ended);
  ended.bind(static_cast<std::int64_t>(kEndedKept));
  while (TRY(ended.step())) facts.push_back(TRY(State::read(ended)));
  sql::Query living(state_->all_facts);
  while (TRY(living.step())) {
    if (std::ranges::find(state_->leaving, job_id(living.integer(0))) == state_->leaving.end())
      facts.push_back(TRY(State::read(living)));
  }
  return facts;
}

Result<std::optional<facts::JobEnded>> Store::ending(JobId job) {
  sql::Query row(state_->find_end);
  if (!TRY(row.bind(row_id(job)).bind(kFactKindJobEnded).step())) return std::optional<facts::JobEnded>();
  const Fact fact = TRY(from_row({kFactKindJobEnded, job, row.bytes(1)}));
  return std::optional(std::get<facts::JobEnded>(fact));
}

// ---- Whole ----

Result<> Store::check() {
  const std::string verdict = TRY(state_->database.text("PRAGMA integrity_check(1)"));
  if (verdict != "ok") return fail(FaultKind::kConfig, "the store is damaged: " + verdict);
  for (const Fact& fact : TRY(living_facts())) {
    const auto* accepted = std::get_if<facts::JobAccepted>(&fact);
    if (accepted != nullptr && !TRY(submission(accepted->job)))
      return fail(FaultKind::kConfig, "the store has lost the submission of job " + std::to_string(accepted->job.value));
  }
  return {};
}

Result<> Store::skip_ids() {
  sql::Transaction transaction = TRY(sql::Transaction::begin(state_->database));
  const std::uint64_t last = state_->last_job + kJobIdsSkipped;
  sql::Statement skip =
      TRY(state_->database.prepare("INSERT INTO submission (job, key, submitted_unix_ms, submit) VALUES (?, 'skipped', 0, X'')"));
  TRY(sql::Query(skip).bind(row_id(JobId{last})).step());
  TRY(sql::Query(state_->drop_submission).bind(row_id(JobId{last})).step());
  TRY(sql::Query(state_->reserve_workers).bind(kWorkerBlock * kWorkerBlocksSkipped).step());
  TRY(transaction.finish());
  state_->last_job = last;
  return {};
}

Result<Store::Copy> Store::copy(const std::filesystem::path& file) {
  // Not synced on the way: whoever asked for it syncs it when it is whole.
  auto into = std::make_unique<sql::Database>(TRY(sql::Database::open(file, nullptr)));
  TRY(into->run("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF"));
  sql::Copy pages = TRY(sql::Copy::begin(state_->database, *into));
  return Copy(std::move(into), std::make_unique<sql::Copy>(std::move(pages)));
}

Store::Copy::Copy(std::unique_ptr<sql::Database> into, std::unique_ptr<sql::Copy> pages)
    : into_(std::move(into)), pages_(std::move(pages)) {}
Store::Copy::Copy(Copy&&) noexcept = default;
Store::Copy& Store::Copy::operator=(Copy&&) noexcept = default;
Store::Copy::~Copy() = default;

Result<bool> Store::Copy::step() { return pages_->step(kPagesPerStep); }

Result<WorkerId> Store::next_worker_block() {
  sql::Transaction transaction = TRY(sql::Transaction::begin(state_->database));
  std::int64_t next = 0;
  {
    sql::Query query(state_->reserve_workers);
    if (!TRY(query.bind(kWorkerBlock).step())) return fail(FaultKind::kConfig, "the store has lost its worker ids");
    next = query.integer(0);
  }
  TRY(transaction.finish());
  return WorkerId{static_cast<std::uint64_t>(next - kWorkerBlock)};
}

}  // namespace gopmill
