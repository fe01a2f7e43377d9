#include "coordinator/store/store_schema.h"

#include <iterator>

namespace gopmill {

namespace {

// What makes schema n out of schema n - 1. A step that has left this house is never edited: databases that went through it
// must be what the next step expects. It knows the bytes of its own day and calls no codec of today's.
constexpr const char* kSteps[] = {
    // 1: submissions, and facts in the order they were recorded.
    R"sql(
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
    )sql",
    // 2: jobs that are over leave `fact`, which grew with every job there ever was and was read whole at every start. A job
    // is over once it has failed, was cancelled, or is done and its files are forgotten (kind 9). Byte 9 of an ending's body
    // (kind 8) is the state; 7 is done. Its acceptance (kind 1) and its end are kept.
    R"sql(
      DELETE FROM submission WHERE job NOT IN (SELECT job FROM fact);
      CREATE TABLE ended_fact (
        job INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (job, kind)) WITHOUT ROWID;
      INSERT INTO ended_fact
        SELECT job, kind, body FROM fact
        WHERE kind IN (1, 8, 9) AND job IN (
          SELECT job FROM fact WHERE kind = 9 OR (kind = 8 AND substr(body, 9, 1) <> X'07'));
      DELETE FROM fact WHERE job IN (SELECT job FROM ended_fact);
    )sql",
    // 3: a job may be packaging (state 10), which an older gopmill would take for the end of the job, and a plan says what its tasks
    // need of a worker (kind 14). Nothing is rewritten: jobs that were stitching or verifying go on from there.
    "",
};

constexpr int kNewest = static_cast<int>(std::size(kSteps));

}  // namespace

int store_schema_newest() { return kNewest; }

Result<> migrate_store(sql::Database& database) {
  const auto version = TRY(database.integer("PRAGMA user_version"));
  if (version > kNewest || version < 0) {
    return fail(FaultKind::kConfig, "was written by a newer gopmill (schema " + std::to_string(version) + ", this one knows " +
                                        std::to_string(kNewest) + "): use that version");
  }
  for (auto step = static_cast<int>(version); step < kNewest; ++step) {
    sql::Transaction transaction = TRY(sql::Transaction::begin(database));
    TRY(database.run(kSteps[step]));
    TRY(database.run(("PRAGMA user_version=" + std::to_string(step + 1)).c_str()));
    TRY(transaction.finish());
  }
  return {};
}

}  // namespace gopmill
