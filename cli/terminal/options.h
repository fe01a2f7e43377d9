#pragma once

#include <cstdint>
#include <string>

#include "profiles/profile.h"
#include "proto/channel.h"

namespace CLI {
class App;
}

namespace gopmill {

// Options that several commands have, so that they are the same everywhere.

// --connect ENDPOINT, else GOPMILL_CONNECT, else kDefaultEndpoint, into `endpoint`.
void add_connect_option(CLI::App& command, std::string& endpoint);
// Who this process is on every socket that it opens.
Identity own_identity();
// --json
void add_json_flag(CLI::App& command, bool& json);
// --salvage, of commands that read a source
void add_salvage_flag(CLI::App& command, bool& salvage);
// The examples at the end of a command's help: one per line.
void add_examples(CLI::App& command, const std::string& examples);

// What to type to come back to a job: "`gopmill wait 3`", naming the coordinator where that is not the default one.
std::string wait_command(const std::string& jobs, const std::string& endpoint);

}  // namespace gopmill
