// The first eight bytes of a connection: making and checking them.

#include "shared/net/Preamble.h"

#include "shared/base/ByteReader.h"
#include "shared/base/Errors.h"
#include "shared/wire/Messages.h"

#include <algorithm>
#include <string>

namespace tidewire {

namespace {

constexpr std::array<std::uint8_t, 4> kMagic{'T', 'D', 'W', 'R'};

} // namespace

const char* securityName(Security security)
{
    return security == Security::None ? "none" : "noise";
}

std::array<std::uint8_t, kPreambleBytes> makePreamble(Security security)
{
    return {kMagic[0],
            kMagic[1],
            kMagic[2],
            kMagic[3],
            static_cast<std::uint8_t>(kProtocolVersion & 0xFFU),
            static_cast<std::uint8_t>(kProtocolVersion >> 8U),
            static_cast<std::uint8_t>(security),
            0};
}

void checkPreamble(ByteView received, Security security)
{
    const ByteView magic = received.first(std::min(received.size(), kMagic.size()));
    if (!std::equal(magic.begin(), magic.end(), kMagic.begin()))
    {
        throw ProtocolError("the peer does not speak the tidewire protocol");
    }
    if (received.size() < kPreambleBytes)
    {
        return;
    }
    ByteReader reader(received.subspan(kMagic.size()));
    const std::uint16_t version = reader.u16();
    const std::uint8_t theirs = reader.u8();
    const std::uint8_t reserved = reader.u8();
    if (version != kProtocolVersion)
    {
        throw ProtocolError("the peer speaks protocol version " + std::to_string(version) +
                            ", this side version " + std::to_string(kProtocolVersion));
    }
    if (theirs > static_cast<std::uint8_t>(Security::Noise) || reserved != 0)
    {
        throw ProtocolError("the peer's preamble holds values that this version does not know");
    }
    if (theirs != static_cast<std::uint8_t>(security))
    {
        throw ProtocolError(std::string("the peer is configured with security = ") +
                            securityName(static_cast<Security>(theirs)) +
                            ", this side with security = " + securityName(security));
    }
}

} // namespace tidewire
