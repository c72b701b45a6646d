// What `tidewire` does with keys: makes them, and tells the public one of a private one.

#pragma once

#include <iosfwd>

namespace tidewire {

/// Writes a new private key as one line. Error when it cannot be written.
void generateKey(std::ostream& output);

/// Reads a private key, blanks around it do not count, and writes its public one as one line. Error
/// when there is no key.
void showPublicKey(std::istream& input, std::ostream& output);

} // namespace tidewire
