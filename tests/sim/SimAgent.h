// A board of a simulation: its disk, its index, its watcher, and the agent's engine over them.

#pragma once

#include "agent/sync/SyncEngine.h"
#include "tests/sim/SimClock.h"
#include "tests/sim/SimDisk.h"
#include "tests/sim/SimJobs.h"
#include "tests/sim/SimNetwork.h"
#include "tests/sim/SimTrace.h"
#include "tests/sim/SimWatcher.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tidewire {

/// Thrown in the middle of the agent's work: its process ends there.
struct SimKilled
{
};

/// Disk and index outlive the engine, which comes and goes as the agent's process does.
class SimAgent: public EngineOutlet
{
public:
    struct Settings
    {
        std::string name;
        ShareMode mode = ShareMode::Sync;
        std::vector<std::string> ignore;
        std::size_t maxRevisions = ShareOptions::kMaxRevisions;
    };

    /// `place` is the agent's index in the world.
    SimAgent(std::size_t place,
             Settings settings,
             SimClock& clock,
             SimRandom& random,
             SimNetwork& network,
             SimTrace& trace);
    ~SimAgent() override;

    [[nodiscard]] const std::string& name() const { return _settings.name; }

    /// The folder as the user of the board has it.
    [[nodiscard]] SimDisk& user() { return _userDisk; }
    [[nodiscard]] MemoryFileSystem& files() { return *_files; }
    [[nodiscard]] Index& index() { return *_index; }
    [[nodiscard]] SimWatcher& watcher() { return _watcher; }

    /// Called before each operation of the agent on its disk.
    void setBeforeWork(SimDisk::Before before) { _beforeWork = std::move(before); }

    /// The process is killed before its disk operation after `operations` more.
    void killAfter(std::uint64_t operations) { _killIn = operations + 1; }

    /// What killAfter() said is off.
    void spare() { _killIn = 0; }

    /// Changes that the agent made to the tree.
    [[nodiscard]] std::uint64_t changes() const;

    // --- the process ---

    void start();

    /// True when it was started over an empty folder since the last call: it takes that for a disk that was changed, and
    /// fills it again.
    [[nodiscard]] bool takeEmptyStart() { return std::exchange(_startedEmpty, false); }

    /// Ends it without a word. `clean`: stop() first.
    void kill();
    void stopClean();
    [[nodiscard]] bool isRunning() const { return _engine != nullptr; }

    /// The power fails: the disk loses what was not synced, the index nothing. The next start is that of another boot.
    void cutPower();

    /// The index is lost with the process.
    void loseIndex();

    /// New settings are in force from the next start.
    void configure(Settings settings) { _settings = std::move(settings); }

    // --- what the world has it do ---

    void setOnline(bool online) { _isOnline = online; }
    [[nodiscard]] bool wantsConnection() const { return isRunning() && _isOnline; }
    void onConnected();
    void onMessage(Message&& message, std::size_t wireBytes);
    void onDisconnected();

    [[nodiscard]] bool wantsRun() const;
    void run();
    [[nodiscard]] bool hasJobSteps() const { return isRunning() && _jobs.hasSteps(); }
    void stepJob();
    [[nodiscard]] bool hasJobResults() const { return isRunning() && _jobs.hasResults(); }
    void finishJob();
    [[nodiscard]] bool hasHints() const { return isRunning() && _watcher.hasHints(); }
    void takeHint();
    [[nodiscard]] std::optional<SteadyTime> nextDue() const;
    [[nodiscard]] bool isSettled() const { return _engine->isSettled(); }

    // EngineOutlet
    void send(std::shared_ptr<const Bytes> message, Lane lane) override;
    void disconnect(const std::string& reason) override;

private:
    void guard(const std::function<void()>& work);
    void beforeWork(std::string_view operation, const RelativePath& path);
    void addShare();
    void keepShare();

    const std::size_t _place;
    Settings _settings;
    SimClock& _clock;
    SimRandom& _random;
    SimNetwork& _network;
    SimTrace& _trace;

    SimWatcher _watcher;
    std::unique_ptr<MemoryFileSystem> _files;
    SimDisk _userDisk;
    std::shared_ptr<SimDisk> _agentDisk;
    std::unique_ptr<Index> _index;
    SimJobs _jobs;
    std::unique_ptr<SyncEngine> _engine;
    SimDisk::Before _beforeWork;
    std::uint64_t _killIn = 0; // 0: never
    bool _isOnline = true;
    bool _isDirty = false; // something has happened since the last run()
    WatchId _share = 0;
    std::optional<SteadyTime> _startAt; // of a share that has stopped
    bool _isLeaving = false;
    bool _startedEmpty = false;
    unsigned _boot = 1;
};

} // namespace tidewire
