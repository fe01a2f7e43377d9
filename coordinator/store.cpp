#include "coordinator/store.h"

#include <sqlite3.h>

#include "base/archive.h"
#include "base/check.h"
#include "coordinator/fact_codec.h"

namespace gopmill {

namespace wire {
template <class A>
void fields(A& a, Submit& v) {
  a(v.request, v.protocol, v.build, v.key, v.source_name, v.source_bytes, v.source_hash, v.local_path, v.profile_name,
    v.profile_yaml, v.priority, v.output_base, v.output_folder);
}
}  // namespace wire

namespace {

constexpr int kSchemaVersion = 1;
constexpr int kBusyWaitMs = 2000;
constexpr std::uint64_t kWorkerBlock = 1'000'000;  // worker ids one run of the coordinator may give

constexpr const char* kSchema = R"sql(
  CREATE TABLE submission (
    job INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    submitted_unix_ms INTEGER NOT NULL,
    submit BLOB NOT NULL);
  CREATE TABLE fact (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    job INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    body BLOB NOT NULL);
  CREATE INDEX fact_of_job ON fact (job, kind);
  CREATE TABLE worker_block (next INTEGER NOT NULL);
  INSERT INTO worker_block VALUES (1);
)sql";

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

Fault fault_of(sqlite3* database, const std::string& what) {
  const int code = sqlite3_errcode(database);
  const FaultKind kind = code == SQLITE_BUSY || code == SQLITE_LOCKED      ? FaultKind::kUnavailable
                         : code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? FaultKind::kConfig
                                                                           : FaultKind::kMachine;
  return {kind, what + ": " + sqlite3_errmsg(database)};
}

// One prepared statement; bind left to right, then step.
class Query {
 public:
  static Result<Query> make(sqlite3* database, const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, nullptr) != SQLITE_OK) {
      return std::unexpected(fault_of(database, "cannot prepare a query"));
    }
    return Query(database, statement);
  }
  Query& bind(std::int64_t value) {
    sqlite3_bind_int64(statement_.get(), ++bound_, value);
    return *this;
  }
  Query& bind(const std::string& value) {
    sqlite3_bind_blob64(statement_.get(), ++bound_, value.data(), value.size(), SQLITE_TRANSIENT);
    return *this;
  }
  Query& bind_text(const std::string& value) {
    sqlite3_bind_text(statement_.get(), ++bound_, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
    return *this;
  }
  // True: a row is there; false: no more.
  Result<bool> step() {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return std::unexpected(fault_of(database_, "the store fails"));
  }
  [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  [[nodiscard]] std::string blob(int column) const {
    const void* data = sqlite3_column_blob(statement_.get(), column);
    const int size = sqlite3_column_bytes(statement_.get(), column);
    return data ? std::string(static_cast<const char*>(data), static_cast<std::size_t>(size)) : std::string();
  }

 private:
  Query(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, FinalizeStatement> statement_;
  int bound_ = 0;
};

Result<> run(sqlite3* database, const char* sql) {
  if (sqlite3_exec(database, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return std::unexpected(fault_of(database, "the store fails"));
  return {};
}

// Rolls back unless finished.
class Transaction {
 public:
  static Result<Transaction> begin(sqlite3* database) {
    TRY(run(database, "BEGIN IMMEDIATE"));
    return Transaction(database);
  }
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction() {
    if (database_) sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
  }
  Result<> finish() {
    TRY(run(database_, "COMMIT"));
    database_ = nullptr;
    return {};
  }

 private:
  explicit Transaction(sqlite3* database) : database_(database) {}
  sqlite3* database_;
};

Result<int> schema_version(sqlite3* database) {
  Query query = TRY(Query::make(database, "PRAGMA user_version"));
  TRY(query.step());
  return static_cast<int>(query.integer(0));
}

Result<> prepare_schema(sqlite3* database, const std::string& file) {
  // EXCLUSIVE: a second coordinator on the same folder must fail at once, not corrupt the first one's view.
  TRY(run(database, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON"));
  const int version = TRY(schema_version(database));
  if (version == kSchemaVersion) return run(database, "BEGIN IMMEDIATE; COMMIT");  // takes the lock now
  if (version > kSchemaVersion) {
    return fail(FaultKind::kConfig, file + " was written by a newer gopmill (schema " + std::to_string(version) +
                                        ", this one knows " + std::to_string(kSchemaVersion) + "): use that version");
  }
  Transaction transaction = TRY(Transaction::begin(database));
  TRY(run(database, kSchema));
  TRY(run(database, ("PRAGMA user_version=" + std::to_string(kSchemaVersion)).c_str()));
  return transaction.finish();
}

}  // namespace

struct Store::State {
  std::unique_ptr<sqlite3, CloseDatabase> database;
};

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Result<Store> Store::open(const std::filesystem::path& file) {
  auto state = std::make_unique<State>();
  sqlite3* database = nullptr;
  const int code =
      sqlite3_open_v2(file.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  state->database.reset(database);
  if (code != SQLITE_OK) return fail(FaultKind::kCannotCreate, "cannot open " + file.string() + ": " + sqlite3_errstr(code));
  sqlite3_busy_timeout(database, kBusyWaitMs);
  if (auto prepared = prepare_schema(database, file.string()); !prepared) {
    Fault fault = std::move(prepared.error()).within(file.string());
    if (fault.kind == FaultKind::kUnavailable) fault.text += "; is another coordinator running on this folder?";
    return std::unexpected(std::move(fault));
  }
  // Submissions that never were accepted: the process ended between the two writes, and nobody was told of them.
  TRY(run(database, "DELETE FROM submission WHERE job NOT IN (SELECT job FROM fact)"));
  return Store(std::move(state));
}

Result<Store::Added> Store::add(const wire::Submit& submit, std::int64_t now_unix_ms) {
  sqlite3* database = state_->database.get();
  Query known = TRY(Query::make(database, "SELECT job FROM submission WHERE key = ?"));
  if (TRY(known.bind_text(submit.key).step())) return Added{JobId{static_cast<std::uint64_t>(known.integer(0))}, true};
  Query insert = TRY(Query::make(database, "INSERT INTO submission (key, submitted_unix_ms, submit) VALUES (?, ?, ?)"));
  TRY(insert.bind_text(submit.key).bind(now_unix_ms).bind(encode(submit)).step());
  return Added{JobId{static_cast<std::uint64_t>(sqlite3_last_insert_rowid(database))}, false};
}

Result<> Store::forget(JobId job) {
  Query query = TRY(Query::make(state_->database.get(), "DELETE FROM submission WHERE job = ?"));
  TRY(query.bind(static_cast<std::int64_t>(job.value)).step());
  return {};
}

namespace {

Result<AcceptedSubmission> read_submission(const Query& row) {
  return AcceptedSubmission{JobId{static_cast<std::uint64_t>(row.integer(0))}, row.blob(1), row.integer(2),
                            TRY(decode<wire::Submit>(row.blob(3), "a stored submission"))};
}

}  // namespace

Result<std::optional<AcceptedSubmission>> Store::submission(JobId job) {
  Query query =
      TRY(Query::make(state_->database.get(), "SELECT job, key, submitted_unix_ms, submit FROM submission WHERE job = ?"));
  if (!TRY(query.bind(static_cast<std::int64_t>(job.value)).step())) return std::optional<AcceptedSubmission>();
  return std::optional(TRY(read_submission(query)));
}

Result<> Store::record(const std::vector<Fact>& facts) {
  if (facts.empty()) return {};
  sqlite3* database = state_->database.get();
  Transaction transaction = TRY(Transaction::begin(database));
  for (const Fact& fact : facts) {
    const FactRow row = to_row(fact);
    Query insert = TRY(Query::make(database, "INSERT INTO fact (job, kind, body) VALUES (?, ?, ?)"));
    TRY(insert.bind(static_cast<std::int64_t>(row.job.value)).bind(row.kind).bind(row.body).step());
  }
  return transaction.finish();
}

Result<std::vector<Fact>> Store::living_facts() {
  // A failed or cancelled job is over with its JobEnded (state 8, 9 is in the body, so the scheduler sorts it out); a done one
  // with its JobForgotten.
  Query query =
      TRY(Query::make(state_->database.get(),
                      "SELECT job, kind, body FROM fact WHERE job NOT IN (SELECT job FROM fact WHERE kind = ?) ORDER BY seq"));
  query.bind(kFactKindJobForgotten);
  std::vector<Fact> facts;
  while (TRY(query.step())) {
    facts.push_back(
        TRY(from_row({static_cast<int>(query.integer(1)), JobId{static_cast<std::uint64_t>(query.integer(0))}, query.blob(2)})));
  }
  return facts;
}

Result<std::optional<facts::JobEnded>> Store::ending(JobId job) {
  Query query = TRY(Query::make(state_->database.get(), "SELECT body FROM fact WHERE job = ? AND kind = ?"));
  if (!TRY(query.bind(static_cast<std::int64_t>(job.value)).bind(kFactKindJobEnded).step()))
    return std::optional<facts::JobEnded>();
  const Fact fact = TRY(from_row({kFactKindJobEnded, job, query.blob(0)}));
  return std::optional(std::get<facts::JobEnded>(fact));
}

Result<WorkerId> Store::next_worker_block() {
  sqlite3* database = state_->database.get();
  Query query = TRY(Query::make(database, "UPDATE worker_block SET next = next + ? RETURNING next"));
  if (!TRY(query.bind(static_cast<std::int64_t>(kWorkerBlock)).step()))
    return fail(FaultKind::kConfig, "the store has lost its worker ids");
  return WorkerId{static_cast<std::uint64_t>(query.integer(0)) - kWorkerBlock};
}

}  // namespace gopmill
