// ReceivedFrames: a window as long as the relay thinks it is.

#include "agent/sync/ReceivedFrames.h"

#include "shared/base/Errors.h"
#include "shared/wire/FrameCodec.h"

#include <catch2/catch.hpp>

#include <string>

using namespace tidewire;

namespace {

Frame frameOf(const std::string& text)
{
    return packFrame(asBytes(text));
}

} // namespace

TEST_CASE("ReceivedFrames: a frame is found by share and number", "[receivedframes]")
{
    ReceivedFrames window;
    window.push(0, 5, frameOf("zero"));
    window.push(1, 5, frameOf("one"));

    CHECK(asText(*window.raw(0, 5)) == "zero");
    CHECK(asText(*window.raw(1, 5)) == "one");
    CHECK(window.find(0, 5));
    CHECK_FALSE(window.find(0, 6));
    CHECK_FALSE(window.find(2, 5));
    CHECK_FALSE(window.raw(2, 5));
}

TEST_CASE("ReceivedFrames: the window holds just so many frames, whoever they are of",
          "[receivedframes]")
{
    ReceivedFrames window;
    for (FrameId id = 0; id < kFrameWindow; ++id)
    {
        window.push(static_cast<ShareNumber>(id % 2), id, frameOf("x"));
    }
    CHECK(window.find(0, 0));

    window.push(1, 100, frameOf("x"));

    CHECK_FALSE(window.find(0, 0));
    CHECK(window.find(1, 1));
    CHECK(window.find(1, 100));
}

TEST_CASE("ReceivedFrames: a frame that comes again takes a new place", "[receivedframes]")
{
    ReceivedFrames window;
    window.push(0, 1, frameOf("first"));
    window.push(0, 1, frameOf("again"));
    for (FrameId id = 10; id < 10 + kFrameWindow - 1; ++id)
    {
        window.push(0, id, frameOf("x"));
    }

    CHECK(asText(*window.raw(0, 1)) == "again");
    window.push(0, 99, frameOf("x"));
    CHECK_FALSE(window.find(0, 1));
}

TEST_CASE("ReceivedFrames: a frame that left the window lives on with its holder",
          "[receivedframes]")
{
    ReceivedFrames window;
    window.push(0, 1, frameOf("kept"));
    const SharedFrame held = window.find(0, 1);
    const auto raw = window.raw(0, 1);
    CHECK(window.raw(0, 1) == raw);

    window.clear();

    CHECK_FALSE(window.find(0, 1));
    CHECK(asText(unpackFrame(*held)) == "kept");
    CHECK(asText(*raw) == "kept");
}

TEST_CASE("ReceivedFrames: a damaged frame is an error when its bytes are asked for",
          "[receivedframes]")
{
    ReceivedFrames window;
    Frame frame = frameOf("sound");
    frame.checksum ^= 1U;
    window.push(0, 1, std::move(frame));

    CHECK(window.find(0, 1));
    CHECK_THROWS_AS(window.raw(0, 1), CorruptError);
}
