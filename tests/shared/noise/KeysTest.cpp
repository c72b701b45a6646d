// Keys: making them, and their text form.

#include "shared/noise/Keys.h"

#include <catch2/catch.hpp>

using namespace tidewire;

TEST_CASE("Keys: a known private key has the known public one, in base64 with padding", "[noise]")
{
    const auto key = parsePrivateKey("SjrL/bFj3sZR36MZTezmdtQ3ApxipAi0xeqRFCRuSJM=");
    REQUIRE(key);

    CHECK(publicKeyText(keyPairOf(*key).open) == "MeAwP9ZBjS+MDni5HyLoyu0Pvkhlbc9HZ+SDT3Abj2I=");
}

TEST_CASE("Keys: both texts of a new pair lead back to it", "[noise]")
{
    const KeyPair pair = makeKeyPair();

    CHECK(parsePublicKey(publicKeyText(pair.open)) == pair.open);
    const auto secret = parsePrivateKey(asText(privateKeyText(pair.secret).bytes()));
    REQUIRE(secret);
    CHECK(keyPairOf(*secret).open == pair.open);
}

TEST_CASE("Keys: no two pairs are the same, and private keys are clamped", "[noise]")
{
    const KeyPair one = makeKeyPair();
    const KeyPair other = makeKeyPair();

    CHECK(one.open != other.open);
    CHECK((one.secret.bytes().front() & 7U) == 0);
    CHECK((one.secret.bytes().back() & 192U) == 64);
}

TEST_CASE("Keys: any other spelling than the one is refused", "[noise]")
{
    const auto text =
        GENERATE(as<std::string>{},
                 "",
                 "AAAA",
                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",  // no padding
                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=", // bits behind the end
                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", // 31 bytes
                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", // 33 bytes
                 "-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", // the URL variant
                 " AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
    CAPTURE(text);

    CHECK_FALSE(parsePublicKey(text));
    CHECK_FALSE(parsePrivateKey(text));
}
