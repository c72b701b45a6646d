// The worked example of docs/protocol.md is what the code sends.

#include "shared/delta/ContentHash.h"
#include "shared/wire/FrameCodec.h"
#include "tests/shared/wire/SampleMessages.h"

#include <catch2/catch.hpp>

#include <cctype>
#include <fstream>
#include <iterator>

using namespace tidewire;

namespace {

std::string readDocument()
{
    std::ifstream file(TIDEWIRE_PROTOCOL_DOCUMENT);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    std::string packed;
    for (const char character : text)
    {
        if (std::isspace(static_cast<unsigned char>(character)) == 0)
        {
            packed += character;
        }
    }
    return packed;
}

std::string toHex(const Bytes& bytes)
{
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string hex;
    for (const std::uint8_t byte : bytes)
    {
        hex += kDigits[byte >> 4U];
        hex += kDigits[byte & 15U];
    }
    return hex;
}

Entry exampleEntry(ByteView content)
{
    const Hash leaf = hashLeaf(content);
    Entry entry = fileEntry(content.size(), 0);
    entry.hash = combineLeaves(content.size(), std::span(&leaf, 1));
    return entry;
}

std::vector<Message> exampleMessages()
{
    const ByteView content = asBytes("hello");
    HelloMessage hello;
    hello.agent = "kitchen";
    hello.shares.resize(1);
    hello.shares[0].name = "photos";
    WelcomeMessage welcome;
    welcome.shares = {{ShareStatus::Continue, sampleToken(0x11), 0, false, false}};
    RevisionsMessage nothing;
    nothing.live = true;
    ProposeMessage propose;
    propose.proposals.resize(1);
    propose.proposals[0].path = path("a.txt");
    propose.proposals[0].entry = exampleEntry(content);
    propose.proposals[0].delta = {{OpKind::Data, 0, 0, 5}};
    ResultMessage result;
    result.results.resize(1);
    result.results[0].verdict = Verdict::Accepted;
    result.results[0].seq = 1;
    RevisionsMessage news;
    news.cursor = 1;
    news.tag = 0x1122334455667788;
    news.live = true;
    news.items.resize(1);
    news.items[0].revision = {1, path("a.txt"), exampleEntry(content), "kitchen"};
    news.items[0].hasDelta = true;
    news.items[0].delta = {{OpKind::Data, 17, 0, 5}};
    return {hello,
            welcome,
            nothing,
            FrameMessage{0, FrameUse::Live, 0, packFrame(content)},
            propose,
            result,
            FrameMessage{0, FrameUse::Live, 17, packFrame(content)},
            news};
}

} // namespace

TEST_CASE("Protocol document: the worked example is what the code sends", "[wire]")
{
    const std::string document = readDocument();
    REQUIRE(!document.empty());

    for (const Message& message : exampleMessages())
    {
        const std::string hex = toHex(encodeMessage(message));
        CAPTURE(messageName(static_cast<std::uint8_t>(typeOf(message))), hex);
        CHECK(document.find(hex) != std::string::npos);
    }
}
