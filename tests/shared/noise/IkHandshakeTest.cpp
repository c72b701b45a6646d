// IkHandshake: the published vectors, and everything that an enemy can do to the two messages.

#include "shared/noise/IkHandshake.h"

#include "shared/base/Errors.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <string_view>

using namespace tidewire;

namespace {

// Test vectors of cacophony for Noise_IK_25519_ChaChaPoly_BLAKE2b, as distributed with snow.
constexpr std::string_view kPrologue = "4a6f686e2047616c74";
constexpr std::string_view kInitiatorStatic =
    "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1";
constexpr std::string_view kInitiatorEphemeral =
    "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a";
constexpr std::string_view kResponderStatic =
    "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893";
constexpr std::string_view kResponderEphemeral =
    "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b";
constexpr std::string_view kResponderPublic =
    "31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62";
constexpr std::string_view kHandshakeHash =
    "1c8fa891cb414fedba6daa7c6f4ae0a6d98e5f9768cc9cecd27e805614943ee9c8a1b27fbfb76dc1"
    "97255c8aa69f6b4285c423840b8bedf45e652ca64f797d81";

Bytes fromHex(std::string_view text)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    {
        bytes.push_back(
            static_cast<std::uint8_t>(kDigits.find(text[i]) << 4U | kDigits.find(text[i + 1])));
    }
    return bytes;
}

struct VectorMessage
{
    std::string_view payload;
    std::string_view ciphertext;
};

/// Two of the handshake, then of the transport, the initiator's first.
constexpr std::array<VectorMessage, 6> kMessages{{
    {"4c756477696720766f6e204d69736573",
     "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944ba83a447b38c83e"
     "327ad936929812f624884847b7831e95e197b2f797088efdd2f88f1db7e1fb0e99c64419097af91"
     "cee64e470f4b6fcd9298ce0b56fe20f86e13bf70439c538e3602a7127af71a29cc"},
    {"4d757272617920526f746862617264",
     "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f1448088439f069b267a06b3d"
     "e3ecb1043bcb098e9af91d9c64748d998c7b47890871571"},
    {"462e20412e20486179656b", "cd54383060e7a28434cca27fb1cc524cfbabeb18181589df219d07"},
    {"4361726c204d656e676572", "a856d3bf0246bfc476c655009cd1ed677b8dcc5b349ae8ef2a05f2"},
    {"4a65616e2d426170746973746520536179",
     "49063084b2c51f098337cb8a13739ac848f907e67cfb2cc8a8b60586467aa02fc7"},
    {"457567656e2042f6686d20766f6e2042617765726b",
     "8b9709d23b47e4639df7678d7a21741eba4ef1e9c60383001c7435549c20f9d56f30e935d3"},
}};

KeyPair pairFromHex(std::string_view text)
{
    const Bytes bytes = fromHex(text);
    PrivateKey key;
    std::copy(bytes.begin(), bytes.end(), key.data());
    return keyPairOf(key);
}

/// Both sides with random keys.
struct Sides
{
    explicit Sides(ByteView theirPrologue = asBytes("same")):
        initiator(agent, relay.open, asBytes("same"), makeKeyPair()),
        responder(relay, theirPrologue, makeKeyPair())
    {
    }

    const KeyPair agent = makeKeyPair();
    const KeyPair relay = makeKeyPair();
    IkInitiator initiator;
    IkResponder responder;
};

Bytes sealed(CipherState& cipher, std::string_view text)
{
    const ByteView plain = asBytes(text);
    Bytes bytes(plain.begin(), plain.end());
    bytes.resize(bytes.size() + kTagBytes);
    cipher.encrypt({}, bytes);
    return bytes;
}

std::string opened(CipherState& cipher, Bytes bytes)
{
    return std::string(asText(cipher.decrypt({}, bytes)));
}

} // namespace

TEST_CASE("IkHandshake: the published vectors come out byte for byte", "[noise]")
{
    const Bytes prologue = fromHex(kPrologue);
    const KeyPair relay = pairFromHex(kResponderStatic);
    REQUIRE(Bytes(relay.open.begin(), relay.open.end()) == fromHex(kResponderPublic));
    IkInitiator initiator(
        pairFromHex(kInitiatorStatic), relay.open, prologue, pairFromHex(kInitiatorEphemeral));
    IkResponder responder(relay, prologue, pairFromHex(kResponderEphemeral));

    const Bytes request = initiator.request(fromHex(kMessages[0].payload));
    CHECK(request == fromHex(kMessages[0].ciphertext));
    CHECK(responder.requested(request) == fromHex(kMessages[0].payload));
    CHECK(responder.initiator() == pairFromHex(kInitiatorStatic).open);
    const Bytes answer = responder.answer(fromHex(kMessages[1].payload));
    CHECK(answer == fromHex(kMessages[1].ciphertext));
    CHECK(initiator.answered(answer) == fromHex(kMessages[1].payload));

    const Bytes hash = fromHex(kHandshakeHash);
    CHECK(std::equal(hash.begin(), hash.end(), initiator.hash().begin(), initiator.hash().end()));
    CHECK(initiator.hash() == responder.hash());

    TransportKeys ours = initiator.transport();
    TransportKeys theirs = responder.transport();
    for (std::size_t i = 2; i < kMessages.size(); ++i)
    {
        CAPTURE(i);
        CipherState& sender = i % 2 == 0 ? ours.send : theirs.send;
        CipherState& receiver = i % 2 == 0 ? theirs.receive : ours.receive;
        const Bytes plain = fromHex(kMessages[i].payload);
        const Bytes record = sealed(sender, asText(plain));
        CHECK(record == fromHex(kMessages[i].ciphertext));
        CHECK(opened(receiver, record) == asText(plain));
    }
}

TEST_CASE("IkHandshake: a request with any bit changed is refused", "[noise]")
{
    Sides sides;
    const Bytes request = sides.initiator.request(asBytes("hi"));
    for (std::size_t bit = 0; bit < request.size() * 8; ++bit)
    {
        Bytes changed = request;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        IkResponder responder(sides.relay, asBytes("same"), makeKeyPair());
        CAPTURE(bit);
        CHECK_THROWS_AS(responder.requested(changed), ProtocolError);
    }
}

TEST_CASE("IkHandshake: an answer with any bit changed is refused", "[noise]")
{
    Sides sides;
    static_cast<void>(sides.responder.requested(sides.initiator.request()));
    const Bytes answer = sides.responder.answer(asBytes("hi"));
    for (std::size_t bit = 0; bit < answer.size() * 8; ++bit)
    {
        Bytes changed = answer;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        IkInitiator initiator = sides.initiator;
        CAPTURE(bit);
        CHECK_THROWS_AS(initiator.answered(changed), ProtocolError);
    }
    CHECK(sides.initiator.answered(answer).size() == 2);
}

TEST_CASE("IkHandshake: messages that are cut or longer are refused", "[noise]")
{
    Sides sides;
    Bytes request = sides.initiator.request();
    REQUIRE(request.size() == kIkRequestBytes);
    for (std::size_t size = 0; size < request.size(); ++size)
    {
        IkResponder responder(sides.relay, asBytes("same"), makeKeyPair());
        CAPTURE(size);
        CHECK_THROWS_AS(responder.requested(ByteView(request).first(size)), ProtocolError);
    }
    IkResponder careful = sides.responder;
    request.push_back(0);
    CHECK_THROWS_AS(careful.requested(request), ProtocolError);
    request.pop_back();

    static_cast<void>(sides.responder.requested(request));
    Bytes answer = sides.responder.answer();
    REQUIRE(answer.size() == kIkAnswerBytes);
    for (std::size_t size = 0; size < answer.size(); ++size)
    {
        IkInitiator initiator = sides.initiator;
        CAPTURE(size);
        CHECK_THROWS_AS(initiator.answered(ByteView(answer).first(size)), ProtocolError);
    }
}

TEST_CASE("IkHandshake: sides that do not agree about the prologue do not meet", "[noise]")
{
    Sides sides(asBytes("another"));

    CHECK_THROWS_AS(sides.responder.requested(sides.initiator.request()), ProtocolError);
}

TEST_CASE("IkHandshake: a request for another relay's key is refused", "[noise]")
{
    Sides sides;
    IkResponder other(makeKeyPair(), asBytes("same"), makeKeyPair());

    CHECK_THROWS_AS(other.requested(sides.initiator.request()), ProtocolError);
}

TEST_CASE("IkHandshake: nobody speaks in the name of a public key that he only knows", "[noise]")
{
    Sides sides;
    KeyPair stolen = makeKeyPair();
    stolen.open = sides.agent.open;
    IkInitiator impostor(stolen, sides.relay.open, asBytes("same"), makeKeyPair());

    CHECK_THROWS_AS(sides.responder.requested(impostor.request()), ProtocolError);
}

TEST_CASE("IkHandshake: the answer to one request is none to another", "[noise]")
{
    Sides sides;
    static_cast<void>(sides.responder.requested(sides.initiator.request()));
    const Bytes answer = sides.responder.answer();
    IkInitiator later(sides.agent, sides.relay.open, asBytes("same"), makeKeyPair());
    static_cast<void>(later.request());

    CHECK_THROWS_AS(later.answered(answer), ProtocolError);
}

TEST_CASE("IkHandshake: a replayed request gives keys that its sender cannot use", "[noise]")
{
    Sides sides;
    const Bytes request = sides.initiator.request();
    static_cast<void>(sides.responder.requested(request));
    static_cast<void>(sides.initiator.answered(sides.responder.answer()));
    TransportKeys agent = sides.initiator.transport();
    const Bytes record = sealed(agent.send, "HELLO");

    IkResponder again(sides.relay, asBytes("same"), makeKeyPair());
    static_cast<void>(again.requested(request));
    static_cast<void>(again.answer());
    TransportKeys relay = again.transport();
    CHECK_THROWS_AS(opened(relay.receive, record), ProtocolError);
}

TEST_CASE("IkHandshake: what was sent is not taken when it comes back", "[noise]")
{
    Sides sides;
    static_cast<void>(sides.responder.requested(sides.initiator.request()));
    static_cast<void>(sides.initiator.answered(sides.responder.answer()));
    TransportKeys agent = sides.initiator.transport();
    const Bytes record = sealed(agent.send, "HELLO");

    CHECK_THROWS_AS(opened(agent.receive, record), ProtocolError);
}

TEST_CASE("IkHandshake: a key that leads to zeros is refused", "[noise]")
{
    // The points of small order that X25519 maps to zero: 0 and 1.
    const auto first = GENERATE(std::uint8_t{0}, std::uint8_t{1});
    PublicKey weak{};
    weak[0] = first;

    CHECK_THROWS_AS(agree(makeKeyPair().secret, weak), ProtocolError);
}
