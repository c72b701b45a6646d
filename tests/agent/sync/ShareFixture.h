// A whole share of the agent, with the relay's part in the test's hand.

#pragma once

#include "agent/sync/ShareSync.h"
#include "tests/agent/sync/SyncFixture.h"
#include "tests/support/LogLines.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tidewire {

/// Set up: a share over an empty folder that is connected and up to date.
class ShareFixture
{
protected:
    static constexpr unsigned kMaxTurns = 20000;

    ShareFixture()
    {
        open();
        connect();
        turns();
    }

    ~ShareFixture() { runner.jobs.clear(); }

    /// The process begins.
    void open()
    {
        ShareOptions options;
        options.name = "photos";
        options.agent = "kitchen";
        options.boot = "the only one";
        ShareHooks hooks;
        hooks.reconnect = [this](const std::string&) {
            ++reconnects;
        };
        hooks.onRules = [](const IgnoreRules&) {
        };
        hooks.onScanned = [](SteadyTime) {
        };
        share = std::make_unique<ShareSync>(
            options, files, index, clock, runner, relay, connection, std::move(hooks));
        REQUIRE(share->start());
    }

    /// The process ends without a word; what is on its way to the relay arrives.
    void kill()
    {
        runner.jobs.clear();
        share.reset();
        connection.reset();
    }

    void connect(bool readOnly = false)
    {
        WelcomeMessage::Share welcome;
        welcome.status = ShareStatus::Continue;
        welcome.incarnation[0] = 1;
        welcome.head = head;
        welcome.readOnly = readOnly;
        share->onWelcome(welcome, 0);
        news({});
    }

    void disconnect()
    {
        share->onDisconnected();
        connection.reset();
        relay.sent.clear();
    }

    /// REVISIONS up to the newest of these; a live feed.
    void news(const std::vector<Revision>& revisions)
    {
        RevisionsMessage message;
        message.live = true;
        for (const Revision& revision : revisions)
        {
            message.items.push_back({revision, false, 0, {}});
            head = std::max(head, revision.seq);
        }
        message.cursor = head;
        message.tag = head;
        share->onRevisions(message);
    }

    /// A revision of somebody else; the relay has its content from now on.
    Revision file(Seq seq, std::string_view path, std::string_view content)
    {
        contents[seq] = content;
        return {seq, pathOf(path), fileEntry(content), "attic"};
    }

    static Revision folder(Seq seq, std::string_view path)
    {
        Entry entry;
        entry.kind = EntryKind::Directory;
        entry.mode = 0755;
        return {seq, pathOf(path), entry, "attic"};
    }

    static Revision link(Seq seq, std::string_view path, std::string target)
    {
        Entry entry;
        entry.kind = EntryKind::Symlink;
        entry.target = std::move(target);
        return {seq, pathOf(path), entry, "attic"};
    }

    static Revision gone(Seq seq, std::string_view path)
    {
        return {seq, pathOf(path), {}, "attic"};
    }

    /// The user did something there.
    void hint(std::string_view path, HintScope scope = HintScope::Entry)
    {
        share->onHint({1, pathOf(path), scope, HintTiming::Settled});
    }

    void write(std::string_view path, std::string_view content)
    {
        writeFile(files, path, content);
        hint(path);
    }

    /// Turns of the share, its jobs and the relay's contents, until nothing is left to do now.
    unsigned turns(bool withJobs = true)
    {
        for (unsigned count = 1; count < kMaxTurns; ++count)
        {
            const bool more = share->run();
            share->onCommitted();
            const bool ran = withJobs && runner.runOne();
            const bool served = serve();
            const auto due = share->nextDue();
            if (!more && !ran && !served && !(due && *due <= clock.steady()))
            {
                return count;
            }
        }
        FAIL("the share comes to no rest");
        return kMaxTurns;
    }

    /// The same for a while, at each moment that the share asks for.
    unsigned pass(SteadyTime time)
    {
        const SteadyTime end = clock.steady() + time;
        unsigned count = turns();
        for (auto due = share->nextDue(); due && *due <= end; due = share->nextDue())
        {
            clock.advance(std::max(*due - clock.steady(), SteadyTime(0)));
            count += turns();
            if (count > kMaxTurns)
            {
                FAIL("the share comes to no rest");
            }
        }
        clock.advance(std::max(end - clock.steady(), SteadyTime(0)));
        return count + turns();
    }

    /// The proposals that were sent since the last call.
    std::vector<Proposal> proposals()
    {
        std::vector<Proposal> result;
        for (auto& [message, lane] : relay.take())
        {
            if (auto* propose = std::get_if<ProposeMessage>(&message))
            {
                std::move(propose->proposals.begin(),
                          propose->proposals.end(),
                          std::back_inserter(result));
            }
            else if (std::holds_alternative<FrameMessage>(message) ||
                     std::holds_alternative<UploadFrameMessage>(message))
            {
                ++framesSent;
            }
        }
        return result;
    }

    void answer(const ProposalResult& result)
    {
        ResultMessage message;
        message.results.push_back(result);
        share->onResult(message);
    }

    void accept(const std::vector<Proposal>& all)
    {
        for (const Proposal& proposal : all)
        {
            ProposalResult result;
            result.id = proposal.id;
            result.verdict = Verdict::Accepted;
            result.seq = ++head;
            answer(result);
        }
    }

    void refuse(const Proposal& proposal, Refusal refusal, std::optional<Revision> against = {})
    {
        ProposalResult result;
        result.id = proposal.id;
        result.verdict = Verdict::Refused;
        result.refusal = refusal;
        result.head = std::move(against);
        answer(result);
    }

    /// All that the share has to say is accepted. Returns it.
    std::vector<Proposal> settle()
    {
        std::vector<Proposal> all;
        for (;;)
        {
            pass(std::chrono::milliseconds(500));
            const std::vector<Proposal> some = proposals();
            if (some.empty())
            {
                return all;
            }
            accept(some);
            all.insert(all.end(), some.begin(), some.end());
        }
    }

    [[nodiscard]] std::optional<IndexEntry> row(std::string_view path)
    {
        return index.get(index.share("photos").id, pathOf(path));
    }

    [[nodiscard]] std::size_t pendingCount()
    {
        return index.pendingAfter(index.share("photos").id, {}, 100000).size();
    }

    [[nodiscard]] std::vector<std::string> names(std::string_view path = {})
    {
        std::vector<std::string> all = listNames(files, pathOf(path));
        std::erase(all, std::string(kPrivateFolder));
        return all;
    }

    MemoryFileSystem files;
    Index index{":memory:"};
    ManualClock clock;
    ManualRunner runner;
    RecordingRelay relay;
    ConnectionState connection;
    LogLines log{"agent.sync"};
    std::unique_ptr<ShareSync> share;
    std::map<Seq, std::string> contents;          ///< what the relay has
    std::uint64_t fetchLimit = ~std::uint64_t{0}; ///< bytes of each content that it gives
    Seq head = 0;
    unsigned reconnects = 0;
    unsigned framesSent = 0;

private:
    /// Answers what was asked for; false when that is nothing.
    bool serve()
    {
        bool served = false;
        std::vector<std::pair<Message, Lane>> rest;
        for (auto& item : relay.take())
        {
            const auto* fetch = std::get_if<FetchMessage>(&item.first);
            if (fetch == nullptr)
            {
                rest.push_back(std::move(item));
                continue;
            }
            for (const FetchMessage::Item& wanted : fetch->items)
            {
                give(wanted);
                served = true;
            }
        }
        relay.sent.insert(relay.sent.begin(),
                          std::make_move_iterator(rest.begin()),
                          std::make_move_iterator(rest.end()));
        return served;
    }

    void give(const FetchMessage::Item& wanted)
    {
        const std::string& whole = contents.at(wanted.seq);
        const std::uint64_t end = std::min<std::uint64_t>(whole.size(), fetchLimit);
        std::uint64_t from = wanted.offset;
        do
        {
            const auto part = whole.substr(
                static_cast<std::size_t>(from),
                static_cast<std::size_t>(std::min<std::uint64_t>(kMaxLiteralBytes, end - from)));
            from += part.size();
            ContentMessage message;
            message.id = wanted.id;
            message.status = from == whole.size() ? ContentStatus::Done : ContentStatus::More;
            message.literal.assign(part.begin(), part.end());
            message.ops.push_back({OpKind::Data, kLiteralFrame, 0, part.size()});
            REQUIRE(share->onContent(message, static_cast<std::uint32_t>(part.size())));
        } while (from < end);
    }
};

/// The paths of proposals; those of deletions with a '-' before them.
[[nodiscard]] inline std::vector<std::string> pathsOf(const std::vector<Proposal>& proposals)
{
    std::vector<std::string> result;
    for (const Proposal& proposal : proposals)
    {
        const bool deletes = proposal.entry.kind == EntryKind::Tombstone;
        result.push_back((deletes ? "-" : "") + proposal.path.text());
    }
    return result;
}

} // namespace tidewire
