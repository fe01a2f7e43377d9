#include "cli/terminal/options.h"

#include <CLI/CLI.hpp>

namespace gopmill {

void add_connect_option(CLI::App& command, std::string& endpoint) {
  endpoint = kDefaultEndpoint;
  command.add_option("--connect", endpoint, "The coordinator's endpoint, tcp://HOST:PORT")
      ->envname("GOPMILL_CONNECT")
      ->capture_default_str();
}

Identity own_identity() { return Identity::none(); }

void add_json_flag(CLI::App& command, bool& json) {
  command.add_flag("--json", json, "Print JSON on stdout; field names are stable");
}

void add_salvage_flag(CLI::App& command, bool& salvage) {
  command.add_flag("--salvage", salvage, "Take what is there of a damaged source, and list in the report what is lost");
}

void add_examples(CLI::App& command, const std::string& examples) { command.footer("Examples:\n  " + examples + "\n"); }

std::string wait_command(const std::string& jobs, const std::string& endpoint) {
  return "`gopmill wait " + jobs + (endpoint == kDefaultEndpoint ? "" : " --connect " + endpoint) + "`";
}

}  // namespace gopmill
