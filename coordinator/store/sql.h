#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"

struct sqlite3;
struct sqlite3_backup;
struct sqlite3_stmt;

// SQLite, as the store uses it: a database that one process owns, statements prepared once, transactions that roll back
// unless finished, and copies made while the database is in use. Faults: kUnavailable where another process holds the
// database, kConfig where the file is no database or is damaged, kMachine for everything else (a full disk).
namespace gopmill::sql {

// A prepared statement. Destroyed before its database.
class Statement {
 public:
  Statement() = default;

 private:
  friend class Database;
  friend class Query;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : handle_(statement) {}
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

// One use of a statement: bind left to right, then step. The statement is free again, and holds no lock, when this ends.
class Query {
 public:
  explicit Query(Statement& statement) : handle_(statement.handle_.get()) {}
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query();

  Query& bind(std::int64_t value);
  // Bytes are not copied: they outlive the query.
  Query& bind(const std::string& bytes);
  Query& bind(std::string&&) = delete;
  Query& bind_text(const std::string& text);
  Query& bind_text(std::string&&) = delete;

  // True: a row is there; false: no more.
  Result<bool> step();
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string bytes(int column) const;  // empty for null

 private:
  sqlite3_stmt* handle_;
  int bound_ = 0;
};

class Database {
 public:
  // Makes the file if it is not there. `vfs` names the layer beneath SQLite that reads and writes it; null: the machine's own.
  static Result<Database> open(const std::filesystem::path& file, const char* vfs);

  // Statements without parameters, rows ignored.
  Result<> run(const char* statements);
  Result<Statement> prepare(const char* statement);
  // The first column of the first row.
  Result<std::int64_t> integer(const char* statement);
  Result<std::string> text(const char* statement);
  // Rows that the last statement inserted, updated or deleted.
  [[nodiscard]] std::int64_t changes() const;

 private:
  friend class Transaction;
  friend class Copy;
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit Database(sqlite3* database) : handle_(database) {}
  std::unique_ptr<sqlite3, Close> handle_;
};

// Begun, it holds the database for writing; it rolls back unless finished. The database outlives it.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  // Durable when it returns. Where it fails, nothing of the transaction has happened.
  Result<> finish();

 private:
  explicit Transaction(Database* database) : database_(database) {}
  Database* database_;
};

// A copy of a whole database into another, page by page, while the first goes on being read and written through its own
// handle: what is written meanwhile is in the copy too. Both outlive it.
class Copy {
 public:
  static Result<Copy> begin(Database& from, Database& to);
  // Copies up to `pages` more. True: it is whole.
  Result<bool> step(int pages);

 private:
  struct Finish {
    void operator()(sqlite3_backup* backup) const;
  };
  explicit Copy(sqlite3_backup* backup) : handle_(backup) {}
  std::unique_ptr<sqlite3_backup, Finish> handle_;
};

}  // namespace gopmill::sql
