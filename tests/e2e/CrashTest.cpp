// Agents and relay die at random moments while both sides write; nothing is lost and all ends equal.
//
// CrashTest [--seconds N] [--seed N]; the environment TIDEWIRE_CRASH_SECONDS sets N as well.

#define CATCH_CONFIG_RUNNER
#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"
#include "tests/e2e/support/RandomWriter.h"
#include "tests/e2e/support/TreeSnapshot.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <random>
#include <thread>

using namespace tidewire;
using namespace tidewire::e2e;

namespace {

struct Settings
{
    unsigned seconds = 20;
    std::uint64_t seed = std::random_device()();
};

Settings& settings()
{
    static Settings values;
    return values;
}

/// A thread that lets a writer work until the object goes.
class Worker
{
public:
    Worker(RandomWriter& writer, std::uint64_t seed):
        _thread([this, &writer, seed] {
            std::mt19937_64 generator(seed);
            try
            {
                while (!_isEnding)
                {
                    writer.act();
                    std::this_thread::sleep_for(std::chrono::milliseconds(generator() % 30));
                }
            }
            catch (const std::exception& error)
            {
                _error = error.what();
            }
        })
    {
    }
    ~Worker() { (void)stop(); }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Ends the work; what went wrong with it, or empty.
    std::string stop()
    {
        _isEnding = true;
        if (_thread.joinable())
        {
            _thread.join();
        }
        return _error;
    }

private:
    std::atomic<bool> _isEnding{false};
    std::string _error;
    std::thread _thread;
};

/// Kills and restarts processes, and cuts lines, until the time is up.
void rage(Pair& pair, std::mt19937_64& generator)
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(settings().seconds);
    while (std::chrono::steady_clock::now() < end)
    {
        std::this_thread::sleep_for(std::chrono::milliseconds(20 + generator() % 700));
        AgentNode& agent = generator() % 2 == 0 ? pair.one : pair.two;
        const auto pause = std::chrono::milliseconds(generator() % 300);
        switch (generator() % 4)
        {
        case 0:
            pair.cluster.relay().kill();
            std::this_thread::sleep_for(pause);
            pair.cluster.startRelay();
            break;
        case 1:
            agent.traffic().cut();
            break;
        default:
            REQUIRE(agent.running()); // nobody else may have ended it
            agent.kill();
            std::this_thread::sleep_for(pause);
            agent.start();
            break;
        }
    }
}

/// Identities of all whole contents below a folder; names of files that are not whole go to `torn`.
std::set<std::string> contentsBelow(const std::string& folder, std::vector<std::string>& torn)
{
    std::set<std::string> ids;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    {
        if (entry.is_regular_file())
        {
            const std::string path = entry.path().string();
            const std::string id = contentId(readFile(path).value_or(""));
            id.empty() ? torn.push_back(path) : static_cast<void>(ids.insert(id));
        }
    }
    return ids;
}

void checkOwn(const RandomWriter& writer, const std::string& name, const AgentNode& agent)
{
    std::map<std::string, std::string> found;
    const std::string root = agent.folder() + "/own-" + name;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root))
    {
        if (entry.is_regular_file())
        {
            const std::string path = entry.path().string();
            found[path.substr(agent.folder().size() + 1)] = readFile(path).value_or("");
        }
    }
    for (const auto& [path, content] : writer.own())
    {
        CAPTURE(name, path, agent.name());
        REQUIRE(found.count(path) == 1);
        CHECK((found[path] == content));
        found.erase(path);
    }
    for (const auto& [path, content] : found)
    {
        CAPTURE(name, agent.name());
        FAIL_CHECK("this file is too much: " << path);
    }
}

} // namespace

TEST_CASE("Crash: SIGKILL at random moments loses no content and leaves equal trees", "[e2e]")
{
    std::cout << "seed " << settings().seed << std::endl;
    CAPTURE(settings().seed);
    std::mt19937_64 generator(settings().seed);
    Pair pair;
    RandomWriter first("one", pair.one.folder(), pair.cluster.scratch("trash-1"), generator());
    RandomWriter second("two", pair.two.folder(), pair.cluster.scratch("trash-2"), generator());
    {
        Worker workOfFirst(first, generator());
        Worker workOfSecond(second, generator());
        rage(pair, generator);
        CHECK(workOfFirst.stop() == "");
        CHECK(workOfSecond.stop() == "");
    }
    pair.cluster.settle({}, std::chrono::minutes(3));

    checkOwn(first, "one", pair.one);
    checkOwn(second, "two", pair.two);
    std::vector<std::string> torn;
    std::set<std::string> there = contentsBelow(pair.one / "once", torn);
    there.merge(contentsBelow(pair.one / "shared", torn));
    CHECK(torn.empty());
    for (const RandomWriter* writer : {&first, &second})
    {
        for (const std::string& id : writer->written())
        {
            CAPTURE(id);
            CHECK(there.count(id) + first.seen().count(id) + second.seen().count(id) > 0);
        }
    }
    for (const AgentNode* agent : {&pair.one, &pair.two})
    {
        CHECK(countNames(*agent / "once", "conflict") == 0);
        CHECK(countNames(*agent / ("own-" + agent->name()), "conflict") == 0);
    }
}

int main(int argc, char* argv[])
{
    if (const char* seconds =
            std::getenv("TIDEWIRE_CRASH_SECONDS")) // NOLINT(concurrency-mt-unsafe)
    {
        settings().seconds = static_cast<unsigned>(std::stoul(seconds));
    }
    Catch::Session session;
    session.cli(session.cli() |
                Catch::clara::Opt(settings().seconds, "n")["--seconds"]("how long to rage") |
                Catch::clara::Opt(settings().seed, "n")["--seed"]("which moments and changes"));
    const int wrong = session.applyCommandLine(argc, argv);
    return wrong != 0 ? wrong : session.run();
}
