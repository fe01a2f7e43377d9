#pragma once

#include <string>

#include "base/result.h"
#include "coordinator/store/sql.h"

namespace gopmill {

// The number of the schema this gopmill writes; docs/operations.md has the tables.
int store_schema_newest();

// Brings a database of any older schema, or an empty one, to the newest: one transaction per step. A newer one is kConfig
// and stays as it is. Private to the store.
Result<> migrate_store(sql::Database& database);

}  // namespace gopmill
