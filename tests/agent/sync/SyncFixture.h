// The surroundings of one share, all in the test's hand: disk, index, time, workers, relay.

#pragma once

#include "agent/sync/ShareContext.h"
#include "shared/delta/Signature.h"
#include "tests/support/FileTools.h"
#include "tests/support/ManualClock.h"
#include "tests/support/MemoryFileSystem.h"

#include <Poco/Logger.h>

#include <deque>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tidewire {

/// Runs jobs when it is told to.
class ManualRunner: public JobRunner
{
public:
    void submit(JobPtr job) override { jobs.push_back(std::move(job)); }

    /// Runs the job that waits for longest, to its end; false when there is none.
    bool runOne()
    {
        if (jobs.empty())
        {
            return false;
        }
        JobPtr job = std::move(jobs.front());
        jobs.pop_front();
        while (job->step())
        {
        }
        Job& reference = *job;
        reference.finish(std::move(job));
        return true;
    }

    void runAll()
    {
        while (runOne())
        {
        }
    }

    std::deque<JobPtr> jobs;
};

/// Keeps what is sent to the relay.
class RecordingRelay: public RelayLink
{
public:
    void send(const Message& message, Lane lane) override { sent.emplace_back(message, lane); }

    /// The messages of one type since the last call of take(), in their order.
    template <typename Wanted>
    [[nodiscard]] std::vector<Wanted> all() const
    {
        std::vector<Wanted> result;
        for (const auto& [message, lane] : sent)
        {
            if (const auto* wanted = std::get_if<Wanted>(&message))
            {
                result.push_back(*wanted);
            }
        }
        return result;
    }

    std::vector<std::pair<Message, Lane>> take() { return std::exchange(sent, {}); }

    std::vector<std::pair<Message, Lane>> sent;
};

class SyncFixture
{
protected:
    SyncFixture(): share(makeShare())
    {
        makeFolders(files, pathOf(".tidewire/tmp"));
        share.online = true;
        share.live = true;
    }

    /// Another share of the same agent.
    ShareContext makeShare()
    {
        ShareOptions options;
        options.name = "photos";
        options.agent = "kitchen";
        return {ShareLog(Poco::Logger::get("test"), options.name),
                options,
                files,
                index,
                clock,
                runner,
                relay,
                index.share("photos"),
                {},
                0,
                0,
                false,
                false,
                false,
                {}};
    }

    MemoryFileSystem files;
    Index index{":memory:"};
    ManualClock clock;
    ManualRunner runner;
    RecordingRelay relay;
    ShareContext share;
};

/// The entry of a file with that content.
inline Entry fileEntry(std::string_view content)
{
    Entry entry;
    entry.kind = EntryKind::File;
    entry.mode = 0644;
    entry.mtime = {1600000000, 7};
    entry.size = content.size();
    SignatureBuilder builder(content.size());
    builder.add(asBytes(content));
    static_cast<void>(builder.finish(entry.hash));
    return entry;
}

/// Text that differs in every block and does not compress to nothing.
inline std::string variedText(std::size_t bytes, std::uint32_t seed)
{
    std::string text(bytes, '\0');
    std::uint32_t state = seed * 2654435761U + 1;
    for (char& letter : text)
    {
        state = state * 1664525U + 1013904223U;
        letter = static_cast<char>('a' + (state >> 24U) % 26U);
    }
    return text;
}

} // namespace tidewire
