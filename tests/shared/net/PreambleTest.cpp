// Preamble: golden bytes, and what is said about a wrong one.

#include "shared/net/Preamble.h"

#include "shared/base/Errors.h"

#include <catch2/catch.hpp>

using namespace tidewire;
using Catch::Matchers::Contains;
using Catch::Matchers::Message;

namespace {

std::string errorOf(ByteView received, Security security)
{
    try
    {
        checkPreamble(received, security);
    }
    catch (const ProtocolError& error)
    {
        return error.what();
    }
    return {};
}

} // namespace

TEST_CASE("Preamble: its bytes never change", "[preamble]")
{
    CHECK(makePreamble(Security::None) ==
          std::array<std::uint8_t, 8>{'T', 'D', 'W', 'R', 1, 0, 0, 0});
    CHECK(makePreamble(Security::Noise) ==
          std::array<std::uint8_t, 8>{'T', 'D', 'W', 'R', 1, 0, 1, 0});
}

TEST_CASE("Preamble: the own one is right, and so is every beginning of it", "[preamble]")
{
    const auto security = GENERATE(Security::None, Security::Noise);
    const auto bytes = makePreamble(security);
    for (std::size_t length = 0; length <= bytes.size(); ++length)
    {
        CAPTURE(length);
        CHECK(errorOf(ByteView(bytes).first(length), security).empty());
    }
}

TEST_CASE("Preamble: a foreign protocol is noticed at its first byte", "[preamble]")
{
    CHECK_THAT(errorOf(asBytes("GET / HTTP/1.1"), Security::None),
               Contains("does not speak the tidewire protocol"));
    CHECK_THAT(errorOf(asBytes("\x16"), Security::None),
               Contains("does not speak the tidewire protocol"));
    CHECK_THAT(errorOf(asBytes("TDWX"), Security::None),
               Contains("does not speak the tidewire protocol"));
}

TEST_CASE("Preamble: another version is named", "[preamble]")
{
    auto bytes = makePreamble(Security::None);
    bytes[4] = 2;
    bytes[5] = 1;

    CHECK_THAT(errorOf(bytes, Security::None), Contains("version 258"));
}

TEST_CASE("Preamble: another security is named on both sides", "[preamble]")
{
    CHECK_THAT(errorOf(makePreamble(Security::Noise), Security::None),
               Contains("peer is configured with security = noise") &&
                   Contains("this side with security = none"));
    CHECK_THAT(errorOf(makePreamble(Security::None), Security::Noise),
               Contains("peer is configured with security = none"));
}

TEST_CASE("Preamble: values of a later version are refused", "[preamble]")
{
    auto security = makePreamble(Security::None);
    security[6] = 2;
    auto reserved = makePreamble(Security::None);
    reserved[7] = 1;

    CHECK_FALSE(errorOf(security, Security::None).empty());
    CHECK_FALSE(errorOf(reserved, Security::None).empty());
}
