// Every message there and back, byte by byte, and what may be in it.

#include "shared/base/Errors.h"
#include "tests/shared/wire/SampleMessages.h"

#include <catch2/catch.hpp>

using namespace tidewire;

namespace {

std::string toHex(ByteView bytes)
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

Message decodeWhole(const Bytes& wire)
{
    return decodeMessage(wire.at(4), ByteView(wire).subspan(kMessageHeaderBytes));
}

template <typename Type>
Type there(const Type& message)
{
    return std::get<Type>(decodeWhole(encodeMessage(message)));
}

} // namespace

TEST_CASE("Messages: every message has its golden bytes", "[wire]")
{
    for (const SampleMessage& sample : sampleMessages())
    {
        CAPTURE(sample.name);
        CHECK(toHex(encodeMessage(sample.message)) == sample.hex);
    }
}

TEST_CASE("Messages: every message comes back as it was", "[wire]")
{
    std::size_t count = 0;
    for (const SampleMessage& sample : sampleMessages())
    {
        CAPTURE(sample.name);
        const Bytes wire = encodeMessage(sample.message);
        const Message back = decodeWhole(wire);
        CHECK(back.index() == sample.message.index());
        CHECK(back.index() == count++);
        CHECK(encodeMessage(back) == wire);
        CHECK(sample.name == messageName(static_cast<std::uint8_t>(typeOf(back))));
    }
    CHECK(count == std::variant_size_v<Message>);
}

TEST_CASE("Messages: the fields of a proposal survive", "[wire]")
{
    const ProposeMessage sent = samplePropose();

    const ProposeMessage got = there(sent);

    REQUIRE(got.proposals.size() == sent.proposals.size());
    for (std::size_t i = 0; i < got.proposals.size(); ++i)
    {
        CAPTURE(i);
        CHECK(got.proposals[i].id == sent.proposals[i].id);
        CHECK(got.proposals[i].path == sent.proposals[i].path);
        CHECK(got.proposals[i].base == sent.proposals[i].base);
        CHECK(got.proposals[i].seen == sent.proposals[i].seen);
        CHECK(got.proposals[i].entry == sent.proposals[i].entry);
        CHECK(got.proposals[i].source == sent.proposals[i].source);
        CHECK(got.proposals[i].upload == sent.proposals[i].upload);
        CHECK(got.proposals[i].delta == sent.proposals[i].delta);
    }
}

TEST_CASE("Messages: the fields of results and revisions survive", "[wire]")
{
    const ResultMessage result = there(sampleResult());
    const RevisionsMessage revisions = there(sampleRevisions());

    CHECK(result.results[0].seq == 10);
    CHECK(result.results[1].refusal == Refusal::BaseChanged);
    CHECK(result.results[1].head->entry == linkEntry("../x"));
    CHECK(result.results[1].head->agent == "office");
    CHECK(revisions.live);
    CHECK(revisions.tag == 0x1122334455667788);
    CHECK(revisions.items[0].revision.entry == folderEntry());
    CHECK_FALSE(revisions.items[0].hasDelta);
    CHECK(revisions.items[1].revision.seq == 11);
    CHECK(revisions.items[1].revision.agent == "office");
    CHECK(revisions.items[1].delta == sampleRevisions().items[1].delta);
}

TEST_CASE("Messages: literal bytes of CONTENT keep their place", "[wire]")
{
    const ContentMessage content = there(sampleContent());

    CHECK(content.ops == sampleContent().ops);
    CHECK(content.literal == sampleContent().literal);
}

TEST_CASE("Messages: extreme values survive", "[wire]")
{
    RevisionsMessage message;
    message.cursor = ~Seq{0};
    Entry file = fileEntry(kMaxContentBytes, 1);
    file.mtime = {std::numeric_limits<std::int64_t>::min(), 0};
    file.mode = 07777;
    message.items.resize(3);
    message.items[0].revision = {~Seq{0}, path("a"), file, std::string(64, 'z')};
    file.mtime.seconds = std::numeric_limits<std::int64_t>::max();
    message.items[1].revision = {1, path(std::string(255, '\xFF')), file, ""};
    message.items[2].revision = {2, path("l"), linkEntry(std::string(kMaxTargetBytes, '/')), "x"};

    const RevisionsMessage got = there(message);

    for (std::size_t i = 0; i < 3; ++i)
    {
        CAPTURE(i);
        CHECK(got.items[i].revision.seq == message.items[i].revision.seq);
        CHECK(got.items[i].revision.path == message.items[i].revision.path);
        CHECK(got.items[i].revision.entry == message.items[i].revision.entry);
        CHECK(got.items[i].revision.agent == message.items[i].revision.agent);
    }
}

TEST_CASE("Messages: moving 1000 files costs less than 150 bytes each", "[wire]")
{
    ProposeMessage propose;
    RevisionsMessage revisions;
    std::uint32_t seed = 1;
    for (std::uint32_t i = 0; i < 1000; ++i)
    {
        const std::string name = "IMG_2024_" + std::to_string(10000 + i) + ".jpeg";
        Proposal create;
        create.path = path("pictures/holiday/2024/summer/" + name);
        create.entry = fileEntry(3000000 + i * 977, 0);
        for (std::uint8_t& byte : create.entry.hash.bytes)
        {
            seed = seed * 1664525U + 1013904223U;
            byte = static_cast<std::uint8_t>(seed >> 24U);
        }
        create.entry.mtime = {1700000000 + i * 37, seed % 1000000000U};
        create.seen = 5000;
        create.source = 1000 + i;
        create.delta = {{OpKind::Copy, 0, 0, create.entry.size}};
        Proposal remove;
        remove.path = path("pictures/incoming/" + name);
        remove.base = 1000 + i;
        remove.seen = 5000;
        for (Proposal* proposal : {&create, &remove})
        {
            proposal->id = static_cast<std::uint32_t>(propose.proposals.size());
            propose.proposals.push_back(*proposal);
            RevisionsMessage::Item item;
            item.revision = {
                5000 + propose.proposals.size(), proposal->path, proposal->entry, "kitchen"};
            revisions.items.push_back(item);
        }
    }
    std::size_t up = 0;
    std::size_t down = 0;
    for (std::size_t begin = 0; begin < propose.proposals.size(); begin += 500)
    {
        ProposeMessage part;
        RevisionsMessage news;
        const auto at = static_cast<std::ptrdiff_t>(begin);
        part.proposals.assign(propose.proposals.begin() + at, propose.proposals.begin() + at + 500);
        news.items.assign(revisions.items.begin() + at, revisions.items.begin() + at + 500);
        up += encodeMessage(part).size();
        down += encodeMessage(news).size();
    }

    CAPTURE(up, down);
    CHECK(up < 150 * 1000);
    CHECK(down < 150 * 1000);
}

TEST_CASE("Messages: a long body travels compressed, a frame never", "[wire]")
{
    ErrorMessage error;
    error.text = std::string(512, 'x');
    FrameMessage frame;
    frame.frame = sampleFrame();
    frame.frame.rawLength = 2000;
    frame.frame.stored.assign(2000, 7);

    const Bytes small = encodeMessage(error);
    const Bytes raw = encodeMessage(frame);

    CHECK(small.size() < 100);
    CHECK((small[4] & kCompressedBit) != 0);
    CHECK(std::get<ErrorMessage>(decodeWhole(small)).text == error.text);
    CHECK(raw.size() > 2000);
    CHECK((raw[4] & kCompressedBit) == 0);
}

TEST_CASE("Messages: bytes behind the known fields are skipped", "[wire]")
{
    for (const SampleMessage& sample : sampleMessages())
    {
        CAPTURE(sample.name);
        Bytes wire = encodeMessage(sample.message);
        wire.push_back(0xEE);
        wire.push_back(0xFF);
        CHECK(encodeMessage(decodeWhole(wire)) == encodeMessage(sample.message));
    }
}

TEST_CASE("Messages: an error text is cut to its limit", "[wire]")
{
    CHECK(there(ErrorMessage{ErrorCode::Internal, std::string(5000, 'x')}).text.size() ==
          kMaxErrorText);
}

TEST_CASE("Messages: a body over its limit is not made", "[wire]")
{
    ProposeMessage message;
    Proposal link;
    for (std::uint32_t i = 0; i < 1100; ++i)
    {
        link.entry = linkEntry(std::string(kMaxTargetBytes, 't'));
        link.path = path(std::to_string(i));
        message.proposals.push_back(link);
    }

    CHECK_THROWS_AS(encodeMessage(message), Error);
}
