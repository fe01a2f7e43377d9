#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "proto/messages.h"

// Messages as bytes and back: protobuf (proto/gopmill.proto), whose generated code only codec*.cpp include. Functions
// without state: any thread.

namespace gopmill::wire {

// Total. What people read (fault texts, notes, and names of sources, profiles, outputs, workers) is made valid UTF-8, with
// U+FFFD for what is not, and cut to its limit, so that no odd file name or codec message can make a message that the other
// side refuses again and again; notes above kNotesListed are left out. Everything else goes as it is: who fills in keys,
// endpoints, builds, paths and YAML checks them against the limits in messages.h first, or the other side refuses them.
// Lists longer than their limit are a broken promise of ours (GOPMILL_CHECK), as is a chunk above kChunkBytes.
std::string encode(const Control& message);
// Move a chunk in: its bytes are then copied once, into the result.
std::string encode(Data message);

// Trusts nothing: what comes out obeys every limit in messages.h, enumerators exist, names hold no folder, numbers are in
// range. kInput, naming message and field ("Submit.priority is 101, at most 100 is allowed"), for everything else. Memory
// stays within a small multiple of the message. Fields this build does not know are skipped.
//
// Not checked, because only the receiver can: whether the sender may say this, and whether the ids name anything.
Result<Control> decode_control(std::string_view bytes);
Result<Data> decode_data(std::string_view bytes);

}  // namespace gopmill::wire
