// An agent that fetches contents from a relay's sessions.

#pragma once

#include "tests/relay/session/RelayFixture.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tidewire {

/// What an agent does with FRAME and CONTENT.
class Receiver
{
public:
    /// Takes the messages in, in their order; those on other lanes are left alone.
    void take(const std::vector<TestOutlet::Sent>& all)
    {
        for (const TestOutlet::Sent& sent : all)
        {
            if (sent.lane != Lane::Bulk)
            {
                continue;
            }
            received += sent.bytes->size() - kMessageHeaderBytes;
            if (const auto* frame = std::get_if<FrameMessage>(&sent.message))
            {
                REQUIRE(frame->use == FrameUse::Fetch);
                ++frames;
                window.emplace_back(frame->id, unpackFrame(frame->frame));
                if (window.size() > kFrameWindow)
                {
                    window.pop_front();
                }
                continue;
            }
            apply(std::get<ContentMessage>(sent.message));
        }
    }

    std::deque<std::pair<FrameId, Bytes>> window;
    std::map<std::uint32_t, Bytes> bases;
    std::map<std::uint32_t, Bytes> contents;
    std::map<std::uint32_t, ContentStatus> states;
    std::vector<std::uint32_t> order; // fetch of every CONTENT
    std::size_t frames = 0;
    std::size_t literals = 0;
    std::size_t received = 0;

private:
    void apply(const ContentMessage& message)
    {
        order.push_back(message.id);
        states[message.id] = message.status;
        literals += message.literal.size();
        Bytes& content = contents[message.id];
        for (const Op& op : message.ops)
        {
            append(content, message, op);
        }
    }

    void append(Bytes& content, const ContentMessage& message, const Op& op)
    {
        if (op.kind == OpKind::Zero)
        {
            content.resize(content.size() + op.length);
        }
        else if (op.kind == OpKind::Copy)
        {
            appendRange(content, bases.at(message.id), op.offset, op.length);
        }
        else if (op.frame == kLiteralFrame)
        {
            appendRange(content, message.literal, op.offset, op.length);
        }
        else
        {
            for (std::uint64_t done = 0; done < op.length;)
            {
                const std::uint64_t offset = (op.offset + done) % kFrameBytes;
                const std::uint64_t length =
                    std::min<std::uint64_t>(op.length - done, kFrameBytes - offset);
                appendRange(
                    content, frame(op.frame + (op.offset + done) / kFrameBytes), offset, length);
                done += length;
            }
        }
    }

    const Bytes& frame(FrameId id)
    {
        const auto found = std::find_if(
            window.begin(), window.end(), [id](const auto& item) { return item.first == id; });
        REQUIRE(found != window.end());
        return found->second;
    }

    static void
    appendRange(Bytes& content, const Bytes& from, std::uint64_t offset, std::uint64_t length)
    {
        REQUIRE(offset + length <= from.size());
        const auto begin = from.begin() + static_cast<std::ptrdiff_t>(offset);
        content.insert(content.end(), begin, begin + static_cast<std::ptrdiff_t>(length));
    }
};

class FetchFixture: public RelayFixture
{
public:
    FetchFixture()
    {
        put("small", fileEntry(300, 1), 0, noise(300, 1));
        join(1, "kitchen");
    }

    /// A file of `count` whole frames; gives back its bytes.
    Bytes putBig(const std::string& where, std::uint32_t count, std::uint32_t seed)
    {
        const Bytes raw = noise(count * kFrameBytes, seed);
        const Entry entry = fileEntry(raw.size(), static_cast<std::uint8_t>(seed));
        FrameId first = 0;
        for (std::uint32_t i = 0; i < count; ++i)
        {
            const FrameId id =
                store().addFrame(packFrame(ByteView(raw).subspan(i * kFrameBytes, kFrameBytes)));
            first = i == 0 ? id : first;
        }
        const Proposal proposal = fileProposal(where, entry, first);
        REQUIRE(store().propose("filler", proposal).verdict == Verdict::Accepted);
        store().commit();
        return raw;
    }

    /// `count` files of `size` bytes in one frame; gives back all their bytes.
    Bytes putSolid(std::size_t count, std::size_t size)
    {
        const Bytes raw = noise(count * size, 77);
        const FrameId frame = store().addFrame(packFrame(raw));
        for (std::size_t i = 0; i < count; ++i)
        {
            const Proposal proposal = fileProposal(
                numbered("s", i), fileEntry(size, static_cast<std::uint8_t>(i)), frame, i * size);
            REQUIRE(store().propose("filler", proposal).verdict == Verdict::Accepted);
        }
        store().commit();
        return raw;
    }

    void fetch(std::vector<FetchMessage::Item> items)
    {
        core.onMessage(1, FetchMessage{0, std::move(items)});
    }

    Seq head() { return store().state().head; }

    /// Serves, takes and gives credit until nothing comes any more.
    void finish()
    {
        for (int i = 0; i < 10000; ++i)
        {
            settle();
            if (isQuiet(1))
            {
                return;
            }
            const std::size_t before = agent.received;
            agent.take(takeAll(1));
            core.onMessage(1, CreditMessage{static_cast<std::uint32_t>(agent.received - before)});
        }
    }

    Receiver agent;
};

} // namespace tidewire
