// A relay core over a store in memory, with connections that a test speaks for.

#pragma once

#include "relay/session/RelayCore.h"
#include "shared/wire/FrameCodec.h"
#include "tests/support/ManualClock.h"
#include "tests/support/MemoryStore.h"

#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tidewire {

inline RelativePath path(std::string_view text)
{
    return RelativePath::parse(text).value();
}

inline Entry folderEntry(std::uint32_t mode = 0755)
{
    Entry entry;
    entry.kind = EntryKind::Directory;
    entry.mode = mode;
    return entry;
}

inline Entry fileEntry(std::uint64_t size, std::uint8_t fill)
{
    Entry entry;
    entry.kind = EntryKind::File;
    entry.mode = 0644;
    entry.size = size;
    entry.hash.bytes.fill(fill);
    return entry;
}

inline std::string numbered(std::string prefix, std::size_t number)
{
    return prefix.append(std::to_string(number));
}

/// Bytes that do not compress.
inline Bytes noise(std::size_t count, std::uint32_t seed)
{
    Bytes bytes(count);
    for (std::uint8_t& byte : bytes)
    {
        seed = seed * 1664525U + 1013904223U;
        byte = static_cast<std::uint8_t>(seed >> 24U);
    }
    return bytes;
}

/// The policy of a test: rights by share.
class TestPolicy: public AccessPolicy
{
public:
    [[nodiscard]] ShareRight right(const std::string& /*agent*/,
                                   const std::string& share) const override
    {
        const auto found = rights.find(share);
        return found == rights.end() ? ShareRight{} : found->second;
    }

    std::map<std::string, ShareRight> rights;
};

/// Has the one share "photos".
class TestProvider: public StoreProvider
{
public:
    Store* open(const std::string& share) override { return share == "photos" ? &store : nullptr; }

    MemoryStore store;
};

/// Decodes what the core sends, and keeps it.
class TestOutlet: public RelayOutlet
{
public:
    struct Sent
    {
        Message message;
        Lane lane = Lane::Urgent;
        std::shared_ptr<const Bytes> bytes;
    };

    void send(ConnectionId connection, std::shared_ptr<const Bytes> message, Lane lane) override
    {
        const ByteView view(*message);
        Message decoded = decodeMessage(view[4], view.subspan(kMessageHeaderBytes));
        queues[connection].push_back({std::move(decoded), lane, std::move(message)});
    }

    void close(ConnectionId connection) override { closed.insert(connection); }

    std::map<ConnectionId, std::deque<Sent>> queues;
    std::set<ConnectionId> closed;
};

/// Ownership: everything a relay core needs.
class RelayFixture
{
public:
    RelayFixture(): core(provider, policy, clock, outlet) {}

    MemoryStore& store() { return provider.store; }

    /// Connects and says HELLO; takes WELCOME and what was sent to get live.
    WelcomeMessage join(ConnectionId connection, const std::string& agent)
    {
        WelcomeMessage welcome = greet(connection, agent, {});
        settle();
        takeAll(connection);
        return welcome;
    }

    /// Connects and says HELLO with this share (named photos); takes WELCOME only.
    WelcomeMessage
    greet(ConnectionId connection, const std::string& agent, HelloMessage::Share share)
    {
        share.name = share.name.empty() ? "photos" : share.name;
        HelloMessage hello;
        hello.agent = agent;
        hello.shares = {share};
        core.onConnect(connection, "test");
        core.onMessage(connection, hello);
        return take<WelcomeMessage>(connection);
    }

    /// Flushes until there is nothing to do at once.
    void settle()
    {
        for (int i = 0; i < 100000 && core.flush(); ++i)
        {
        }
    }

    /// The kernel takes everything that is queued; the messages.
    std::vector<TestOutlet::Sent> takeAll(ConnectionId connection)
    {
        std::deque<TestOutlet::Sent>& queue = outlet.queues[connection];
        std::vector<TestOutlet::Sent> all(queue.begin(), queue.end());
        queue.clear();
        for (const TestOutlet::Sent& sent : all)
        {
            core.onSent(connection, sent.lane, sent.bytes->size());
        }
        return all;
    }

    /// The next message, which must be of this type.
    template <typename Type>
    Type take(ConnectionId connection)
    {
        std::deque<TestOutlet::Sent>& queue = outlet.queues[connection];
        if (queue.empty())
        {
            throw std::runtime_error("no message for the connection");
        }
        const TestOutlet::Sent sent = queue.front();
        queue.pop_front();
        core.onSent(connection, sent.lane, sent.bytes->size());
        return std::get<Type>(sent.message);
    }

    [[nodiscard]] bool isQuiet(ConnectionId connection)
    {
        return outlet.queues[connection].empty();
    }

    /// A frame up; gives back its number.
    FrameId sendFrame(ConnectionId connection, const Bytes& raw)
    {
        const FrameId id = nextFrame[connection]++;
        core.onMessage(connection, FrameMessage{0, FrameUse::Live, id, packFrame(raw)});
        return id;
    }

    void propose(ConnectionId connection, std::vector<Proposal> proposals)
    {
        core.onMessage(connection, ProposeMessage{0, std::move(proposals)});
    }

    static Proposal proposalOf(const std::string& where, const Entry& entry, Seq base = 0)
    {
        Proposal proposal;
        proposal.path = path(where);
        proposal.entry = entry;
        proposal.base = base;
        return proposal;
    }

    /// A new file whose bytes stand in frames from `offset` of `frame` on.
    static Proposal fileProposal(const std::string& where,
                                 const Entry& entry,
                                 FrameId frame,
                                 std::uint64_t offset = 0)
    {
        Proposal proposal = proposalOf(where, entry);
        proposal.delta = {{OpKind::Data, frame, offset, entry.size}};
        return proposal;
    }

    /// A new file of these bytes, in one frame of its own.
    Seq addFile(ConnectionId connection, const std::string& where, const Bytes& raw, Seq base = 0)
    {
        Proposal proposal =
            proposalOf(where,
                       fileEntry(raw.size(), static_cast<std::uint8_t>(nextFrame[connection] + 1)),
                       base);
        proposal.delta = {{OpKind::Data, sendFrame(connection, raw), 0, raw.size()}};
        propose(connection, {proposal});
        core.flush();
        return take<ResultMessage>(connection).results.at(0).seq;
    }

    Seq addFolder(ConnectionId connection,
                  const std::string& where,
                  std::uint32_t mode = 0755,
                  Seq base = 0)
    {
        propose(connection, {proposalOf(where, folderEntry(mode), base)});
        core.flush();
        return take<ResultMessage>(connection).results.at(0).seq;
    }

    /// Fills the store without a connection: revision numbers are given in order.
    Seq put(const std::string& where, const Entry& entry, Seq base = 0, const Bytes& raw = {})
    {
        Proposal proposal = proposalOf(where, entry, base);
        if (!raw.empty())
        {
            proposal.delta = {{OpKind::Data, store().addFrame(packFrame(raw)), 0, raw.size()}};
        }
        const ProposalResult result = store().propose("filler", proposal);
        store().commit();
        return result.seq;
    }

    TestProvider provider;
    TestPolicy policy;
    ManualClock clock;
    TestOutlet outlet;
    RelayCore core;
    std::map<ConnectionId, FrameId> nextFrame;
};

} // namespace tidewire
