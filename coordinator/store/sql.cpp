#include "coordinator/store/sql.h"

#include <sqlite3.h>

#include <utility>

namespace gopmill::sql {

namespace {

constexpr int kBusyWaitMs = 2000;

Fault fault_of(sqlite3* database, const std::string& what) {
  const int code = sqlite3_errcode(database);
  const FaultKind kind = code == SQLITE_BUSY || code == SQLITE_LOCKED      ? FaultKind::kUnavailable
                         : code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? FaultKind::kConfig
                                                                           : FaultKind::kMachine;
  return {kind, what + ": " + sqlite3_errmsg(database)};
}

}  // namespace

// ---- Statements ----

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Query::~Query() {
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
}

Query& Query::bind(std::int64_t value) {
  sqlite3_bind_int64(handle_, ++bound_, value);
  return *this;
}

Query& Query::bind(const std::string& bytes) {
  sqlite3_bind_blob64(handle_, ++bound_, bytes.data(), bytes.size(), SQLITE_STATIC);
  return *this;
}

Query& Query::bind_text(const std::string& text) {
  sqlite3_bind_text64(handle_, ++bound_, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Result<bool> Query::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return std::unexpected(fault_of(sqlite3_db_handle(handle_), "the store fails"));
}

std::int64_t Query::integer(int column) const { return sqlite3_column_int64(handle_, column); }

std::string Query::bytes(int column) const {
  const void* data = sqlite3_column_blob(handle_, column);
  const int size = sqlite3_column_bytes(handle_, column);
  return data ? std::string(static_cast<const char*>(data), static_cast<std::size_t>(size)) : std::string();
}

// ---- The database ----

void Database::Close::operator()(sqlite3* database) const { sqlite3_close(database); }

Result<Database> Database::open(const std::filesystem::path& file, const char* vfs) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, vfs);
  Database database(handle);
  if (code != SQLITE_OK) return fail(FaultKind::kCannotCreate, "cannot open " + file.string() + ": " + sqlite3_errstr(code));
  sqlite3_busy_timeout(handle, kBusyWaitMs);
  return database;
}

Result<> Database::run(const char* statements) {
  if (sqlite3_exec(handle_.get(), statements, nullptr, nullptr, nullptr) != SQLITE_OK)
    return std::unexpected(fault_of(handle_.get(), "the store fails"));
  return {};
}

Result<Statement> Database::prepare(const char* statement) {
  sqlite3_stmt* handle = nullptr;
  if (sqlite3_prepare_v3(handle_.get(), statement, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr) != SQLITE_OK)
    return std::unexpected(fault_of(handle_.get(), "cannot prepare a statement"));
  return Statement(handle);
}

Result<std::int64_t> Database::integer(const char* statement) {
  Statement prepared = TRY(prepare(statement));
  Query query(prepared);
  TRY(query.step());
  return query.integer(0);
}

Result<std::string> Database::text(const char* statement) {
  Statement prepared = TRY(prepare(statement));
  Query query(prepared);
  TRY(query.step());
  return query.bytes(0);
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_.get()); }

// ---- Transactions ----

Result<Transaction> Transaction::begin(Database& database) {
  TRY(database.run("BEGIN IMMEDIATE"));
  return Transaction(&database);
}

Transaction::Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  // SQLite has rolled back by itself after some faults, and then says so: that is no fault here.
  if (database_) sqlite3_exec(database_->handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Result<> Transaction::finish() {
  TRY(database_->run("COMMIT"));
  database_ = nullptr;
  return {};
}

// ---- Copies ----

void Copy::Finish::operator()(sqlite3_backup* backup) const { sqlite3_backup_finish(backup); }

Result<Copy> Copy::begin(Database& from, Database& to) {
  sqlite3_backup* handle = sqlite3_backup_init(to.handle_.get(), "main", from.handle_.get(), "main");
  if (!handle) return std::unexpected(fault_of(to.handle_.get(), "cannot begin a copy"));
  return Copy(handle);
}

Result<bool> Copy::step(int pages) {
  const int code = sqlite3_backup_step(handle_.get(), pages);
  if (code == SQLITE_DONE) return true;
  if (code == SQLITE_OK) return false;
  return fail(FaultKind::kMachine, std::string("the copy fails: ") + sqlite3_errstr(code));
}

}  // namespace gopmill::sql
