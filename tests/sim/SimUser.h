// The people at the boards of a simulation: random changes of a folder, with books of what they wrote.

#pragma once

#include "tests/sim/ContentLedger.h"
#include "tests/sim/SimAgent.h"
#include "tests/sim/SimRandom.h"

#include <optional>
#include <string>
#include <vector>

namespace tidewire {

/// Works on the disk of any agent. Few names, so that people meet.
///
/// Ownership: borrows ledger and random.
class SimUser
{
public:
    SimUser(ContentLedger& ledger, SimRandom& random): _ledger(ledger), _random(random) {}

    /// Contents of several hundred KiB too.
    void setLarge(bool large) { _isLarge = large; }

    /// One random change of the agent's folder; none when the one that was drawn does not fit. Says what it did in the
    /// trace. Throws SimFailure when a file holds what nobody has written.
    void change(SimAgent& agent, SimTrace& trace);

private:
    struct Found
    {
        RelativePath path;
        FileStat stat;
    };

    [[nodiscard]] static std::vector<Found> list(FileSystem& disk);
    [[nodiscard]] std::optional<RelativePath> pickFile(FileSystem& disk,
                                                       const std::vector<Found>& all);
    [[nodiscard]] std::optional<RelativePath> pickFolder(const std::vector<Found>& all,
                                                         bool orRoot);
    [[nodiscard]] RelativePath pickFreshPath(const std::vector<Found>& all);
    std::string readKnown(FileSystem& disk, const RelativePath& path);
    void supersedeTree(FileSystem& disk, const RelativePath& path);
    void removeSeen(FileSystem& disk, const RelativePath& path);
    std::size_t contentSize();

    std::string dispatch(unsigned kind, FileSystem& disk, const std::vector<Found>& all);
    std::string create(FileSystem& disk, const std::vector<Found>& all);
    std::string copy(FileSystem& disk, const std::vector<Found>& all);
    std::string edit(FileSystem& disk, const std::vector<Found>& all);
    std::string rewrite(FileSystem& disk, const std::vector<Found>& all);
    std::string replace(FileSystem& disk, const std::vector<Found>& all);
    std::string append(FileSystem& disk, const std::vector<Found>& all);
    std::string remove(FileSystem& disk, const std::vector<Found>& all);
    std::string rename(FileSystem& disk, const std::vector<Found>& all);
    std::string makeFolder(FileSystem& disk, const std::vector<Found>& all);
    std::string removeFolder(FileSystem& disk, const std::vector<Found>& all);
    std::string makeLink(FileSystem& disk, const std::vector<Found>& all);
    std::string setMode(FileSystem& disk, const std::vector<Found>& all);
    std::string setMtime(FileSystem& disk, const std::vector<Found>& all);
    std::string changeKind(FileSystem& disk, const std::vector<Found>& all);

    ContentLedger& _ledger;
    SimRandom& _random;
    bool _isLarge = false;
};

} // namespace tidewire
