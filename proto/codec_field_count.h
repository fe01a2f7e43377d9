#pragma once

#include <string_view>

namespace gopmill::wire {

// protobuf makes an object of up to some hundred bytes for every two bytes of an empty repeated entry, before anything can
// be counted: 4 MiB of them would take 600 MiB. So fields are counted before parsing. Only the lists of a message, and those
// of the job statuses inside a JobReply or JobsReply, can be long; the count goes that deep.
//
// False: `bytes`, of a control message, have more fields than any that we would take, or are no sequence of fields.
bool fields_fit(std::string_view bytes);

}  // namespace gopmill::wire
