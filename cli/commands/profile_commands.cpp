#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands/command.h"
#include "cli/terminal/options.h"
#include "cli/terminal/table.h"
#include "cli/terminal/talk.h"
#include "media/steps/encoder_check.h"
#include "profiles/profile.h"
#include "profiles/shipped.h"
#include "views/profile_json.h"

// gopmill profiles list, show, check: profiles as they are here; no coordinator is asked.

namespace gopmill {

namespace {

struct ProfileOptions {
  std::vector<std::string> names;
  bool json = false;
};

std::string ladder_text(const Profile& profile) {
  std::string text;
  for (const RenditionProfile& rendition : profile.renditions) {
    text += (text.empty() ? "" : ", ") + rendition.name + " " + std::string(codec_word(rendition.codec));
  }
  if (text.empty() && profile.audio) text = "audio only, " + std::string(codec_word(profile.audio->codec));
  return text;
}

Result<int> list(const ProfileOptions& options) {
  std::vector<Profile> profiles;
  for (const ShippedProfile& shipped : shipped_profiles()) profiles.push_back(TRY(find_profile(shipped.name)));
  if (options.json) {
    TRY(print(profiles_json(profiles) + "\n"));
    return kExitDone;
  }
  std::vector<TableRow> rows{{"NAME", "DEVICE", "RENDITIONS", "DESCRIPTION"}};
  for (const Profile& profile : profiles)
    rows.push_back({profile.name, profile.device, ladder_text(profile), profile.description});
  TRY(print(table_text(rows, {})));
  return kExitDone;
}

Result<int> show(const ProfileOptions& options) {
  const Profile profile = TRY(find_profile(options.names.front(), encoder_check()));
  TRY(print(options.json ? profile_json(profile) + "\n" : to_yaml(profile)));
  return kExitDone;
}

// All of them are looked at, whatever the first ones are like.
Result<int> check(const ProfileOptions& options) {
  int code = kExitDone;
  for (const std::string& name : options.names) {
    const auto profile = find_profile(name, encoder_check());
    std::optional<Fault> fault;
    if (!profile) fault = profile.error();
    if (options.json) {
      TRY(print(profile_check_json(name, fault) + "\n"));
    } else if (!fault) {
      TRY(print(printable(name) + ": good: " + ladder_text(*profile) + "\n"));
    }
    if (!fault) continue;
    complain(fault->text);
    if (code == kExitDone) code = exit_code(fault->kind);
  }
  return code;
}

}  // namespace

void add_profile_commands(CLI::App& app, Command& chosen) {
  CLI::App* profiles = app.add_subcommand("profiles", "List, show and check device profiles");
  profiles->require_subcommand(0, 1);
  add_examples(*profiles, "gopmill profiles\n  gopmill profiles show phone > mine.yaml\n  gopmill profiles check mine.yaml");
  const auto add = [&](CLI::App* command, Result<int> (*carry_out)(const ProfileOptions&)) {
    auto options = std::make_shared<ProfileOptions>();
    add_json_flag(*command, options->json);
    // A parent's callback runs after its subcommand's, and must not take its place.
    command->callback([options, carry_out, command, &chosen] {
      if (command->get_subcommands().empty()) chosen = [options, carry_out] { return carry_out(*options); };
    });
    return options;
  };
  add(profiles, list);

  CLI::App* listing = profiles->add_subcommand("list", "List the shipped profiles");
  add(listing, list);
  add_examples(*listing,
               "gopmill profiles list\n  gopmill profiles list --json | jq -r '.[].name'\n\n"
               "--json: an array of what `gopmill profiles show NAME --json` prints.");

  CLI::App* showing = profiles->add_subcommand("show", "Print one profile, complete, as YAML");
  showing->add_option("NAME", add(showing, show)->names, "A shipped profile's name, or a .yaml file")->required()->expected(1);
  add_examples(
      *showing,
      "gopmill profiles show phone\n  gopmill profiles show mine.yaml --json\n\n"
      "--json: name, device, description, gop_s, segment_s, container, audio {codec bits_per_s channels tracks loudness_lufs\n"
      "true_peak_dbtp} or null, renditions [{name codec height fps fps_max quality bits_per_s maxrate bufsize preset profile "
      "level "
      "options}].");

  CLI::App* checking = profiles->add_subcommand("check", "Check profile files, also against the encoders");
  checking->add_option("FILE", add(checking, check)->names, "Files, or names of shipped profiles")->required();
  add_examples(*checking,
               "gopmill profiles check mine.yaml\n\n"
               "--json: an object per file: file, good, error (text or null). Exit code 78 if one is wrong.");
}

}  // namespace gopmill
