// Decides where the feed of an agent starts.

#pragma once

#include "relay/store/Store.h"
#include "shared/wire/Messages.h"

namespace tidewire {

/// What WELCOME says about one share that the agent may read: whether its cursor still means something in this store.
/// Errors: those of the store's reading.
[[nodiscard]] WelcomeMessage::Share welcomeTo(const Store& store, const HelloMessage::Share& share);

/// Throws ProtocolError for names that are not [A-Za-z0-9._-]{1,64} ("." and ".." are none, as names become
/// names of folders), and for a share that is named twice.
void checkHello(const HelloMessage& hello);

} // namespace tidewire
