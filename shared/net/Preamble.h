// The first eight bytes of a connection, each way: who speaks, which version, which security.

#pragma once

#include "shared/base/Bytes.h"

#include <array>
#include <cstdint>
#include <utility>

namespace tidewire {

/// What protects a connection. Never renumber: the value is on the wire.
enum class Security : std::uint8_t
{
    None = 0,
    Noise = 1,
};

/// The securities by the names that a configuration gives them.
inline constexpr std::array<std::pair<const char*, Security>, 2> kSecurityNames{{
    {"none", Security::None},
    {"noise", Security::Noise},
}};

[[nodiscard]] const char* securityName(Security security);

/// "TDWR", u16 LE protocol version, u8 security, u8 zero.
inline constexpr std::size_t kPreambleBytes = 8;

/// What this side sends.
[[nodiscard]] std::array<std::uint8_t, kPreambleBytes> makePreamble(Security security);

/// Compares what has come of the peer's preamble with what must come, byte for byte as far as it
/// goes, so that a foreign protocol is noticed before it has sent eight bytes.
///
/// ProtocolError with a text for people when the peer is no tidewire, has another version, or
/// another security than `security`. Bytes after the first eight are not looked at.
void checkPreamble(ByteView received, Security security);

} // namespace tidewire
