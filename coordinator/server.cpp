#include "coordinator/server.h"

#include <utility>
#include <vector>

#include "base/footprint.h"
#include "coordinator/loop.h"
#include "media/build.h"

namespace gopmill {

namespace {

Result<LoopParts> open_parts(const CoordinatorOptions& options, Context& context, std::vector<Fact>& facts) {
  if (!options.identity.secures() && !options.plain_network && !is_loopback(options.listen)) {
    return fail(FaultKind::kUsage,
                options.listen +
                    " can be reached by others, and nothing is encrypted or authenticated yet: listen on a loopback "
                    "address, or say --plain-network if every machine on that network is trusted");
  }
  // Sockets first: where the port is taken, no folder is made.
  Listener control = TRY(Listener::bind(context, options.identity, Plane::kControl, options.listen));
  Listener data = TRY(Listener::bind(context, options.identity, Plane::kData, TRY(data_endpoint_for(control.endpoint()))));
  Spool spool = TRY(Spool::open(options.data / "spool"));
  Store store = TRY(Store::open(options.data / "gopmill.db"));
  facts = TRY(store.living_facts());
  const Scheduler::Config config{build_identity(), TRY(store.next_worker_block())};
  Scheduler scheduler = Scheduler::restore(config, facts, monotonic_now());
  return LoopParts{std::move(store), std::move(spool), std::move(control), std::move(data), std::move(scheduler)};
}

}  // namespace

Result<> run_coordinator(const CoordinatorOptions& options, Log& log, int stop_fd) {
  Context context;
  std::vector<Fact> facts;
  LoopParts parts = TRY(open_parts(options, context, facts));
  const std::string endpoint = parts.control.endpoint();
  Loop loop(options, log, std::move(parts));
  TRY(loop.recover(facts));
  release_library_pages();
  if (options.on_ready) options.on_ready(endpoint);
  loop.run(stop_fd);
  return {};
}

}  // namespace gopmill
