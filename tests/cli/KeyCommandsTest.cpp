// KeyCommands: what goes in and out as text.

#include "cli/KeyCommands.h"

#include "shared/base/Errors.h"
#include "shared/noise/Keys.h"

#include <catch2/catch.hpp>

#include <sstream>

using namespace tidewire;

TEST_CASE("KeyCommands: a new private key and its public key are a pair", "[cli]")
{
    std::stringstream secret;
    std::stringstream open;

    generateKey(secret);
    const std::string text = secret.str();
    showPublicKey(secret, open);

    REQUIRE(text.size() == kKeyTextBytes + 1);
    const auto key = parsePrivateKey(text.substr(0, kKeyTextBytes));
    REQUIRE(key);
    CHECK(open.str() == publicKeyText(keyPairOf(*key).open) + "\n");
}

TEST_CASE("KeyCommands: blanks around a key do not count", "[cli]")
{
    const std::string key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const auto [before, after] =
        GENERATE(table<std::string, std::string>({{"", ""}, {"", "\r\n"}, {" \n", "\n\n"}}));
    std::istringstream input(before + key + after);
    std::ostringstream output;

    showPublicKey(input, output);

    CHECK(output.str().size() == kKeyTextBytes + 1);
}

TEST_CASE("KeyCommands: an input that is no key is refused", "[cli]")
{
    const auto text = GENERATE(as<std::string>{},
                               "",
                               "\n",
                               "AAAA",
                               "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= x",
                               std::string(1000, 'A'));
    CAPTURE(text);
    std::istringstream input(text);
    std::ostringstream output;

    CHECK_THROWS_AS(showPublicKey(input, output), Error);
    CHECK(output.str().empty());
}

TEST_CASE("KeyCommands: a key that cannot be written is an error", "[cli]")
{
    std::ostringstream output;
    output.setstate(std::ios::badbit);

    CHECK_THROWS_AS(generateKey(output), Error);
}
