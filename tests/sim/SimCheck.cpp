// What must hold when a simulation has come to rest.

#include "tests/sim/SimCheck.h"

#include "shared/base/Errors.h"
#include "tests/sim/ContentLedger.h"
#include "tests/sim/SimWorld.h"
#include "tests/support/FileTools.h"

#include <algorithm>
#include <functional>
#include <set>
#include <sstream>

namespace tidewire {

namespace {

constexpr std::size_t kShownBytes = 24;

/// FNV-1a: the same on every system.
std::uint64_t digestOf(std::string_view text)
{
    std::uint64_t digest = 14695981039346656037U;
    for (const char byte : text)
    {
        digest = (digest ^ static_cast<unsigned char>(byte)) * 1099511628211U;
    }
    return digest;
}

using EachEntry = std::function<void(const RelativePath& path, const FileStat& stat)>;

void walk(FileSystem& files, const RelativePath& folder, const EachEntry& each)
{
    for (const std::string& name : listNames(files, folder))
    {
        const RelativePath path = RelativePath::join(folder, name).value();
        const auto stat = files.stat(path);
        if (!stat || name == kPrivateFolder)
        {
            continue;
        }
        each(path, *stat);
        if (stat->kind == FileKind::Directory)
        {
            walk(files, path, each);
        }
    }
}

std::string linesOf(FileSystem& files, const RelativePath& folder)
{
    std::ostringstream out;
    walk(files, folder, [&](const RelativePath& path, const FileStat& stat) {
        if (stat.kind == FileKind::Directory)
        {
            out << "folder " << std::oct << stat.mode << std::dec << " " << path.text() << "\n";
        }
        else if (stat.kind == FileKind::Symlink)
        {
            out << "link " << path.text() << " -> " << files.readSymlink(path) << "\n";
        }
        else
        {
            const std::string text = readFile(files, path.text());
            out << "file " << std::oct << stat.mode << std::dec << " " << stat.mtime.seconds << "."
                << stat.mtime.nanoseconds << " " << path.text() << " size " << text.size() << " = "
                << printable(std::string_view(text).substr(0, kShownBytes)) << " (" << std::hex
                << digestOf(text) << std::dec << ")\n";
        }
    });
    return out.str();
}

/// What headsText() would say of a tree.
std::string headsOfTree(FileSystem& files)
{
    std::set<std::string> lines;
    walk(files, {}, [&](const RelativePath& path, const FileStat& stat) {
        std::ostringstream out;
        switch (stat.kind)
        {
        case FileKind::Directory:
            out << path.text() << " folder " << std::oct << stat.mode;
            break;
        case FileKind::Symlink:
            out << path.text() << " link " << files.readSymlink(path);
            break;
        default:
            out << path.text() << " file " << std::oct << stat.mode << std::dec << " " << stat.size
                << " " << stat.mtime.seconds << "." << stat.mtime.nanoseconds;
            break;
        }
        lines.insert(out.str());
    });
    std::string all;
    for (const std::string& line : lines)
    {
        all += line + "\n";
    }
    return all;
}

void require(bool holds, const std::string& what)
{
    if (!holds)
    {
        throw SimFailure(what);
    }
}

struct Traffic
{
    std::uint64_t bytes = 0;
    std::uint64_t changes = 0;
    std::uint64_t rows = 0;
};

Traffic trafficOf(SimWorld& world)
{
    Traffic traffic;
    traffic.bytes = world.network().bytesUp() + world.network().bytesDown();
    for (std::size_t i = 0; i < world.agents(); ++i)
    {
        traffic.changes += world.agent(i).changes();
        traffic.rows += world.agent(i).index().rowsWritten();
    }
    return traffic;
}

void checkAgent(SimWorld& world, std::size_t place)
{
    SimAgent& agent = world.agent(place);
    require(agent.isRunning() && agent.isSettled(), agent.name() + " is not settled at rest");
    require(privateText(agent.files()).empty(), agent.name() + " left temporaries behind");
    require(treeText(agent.files()) == treeText(world.agent(0).files()),
            "the trees of " + agent.name() + " and " + world.agent(0).name() + " differ");
}

} // namespace

std::string treeText(FileSystem& files)
{
    return linesOf(files, {});
}

std::string privateText(FileSystem& files)
{
    const RelativePath folder = pathOf(".tidewire/tmp");
    return files.stat(folder) ? linesOf(files, folder) : std::string();
}

std::string headsText(const Store& store)
{
    std::set<std::string> lines;
    for (const Revision& head : store.headsAfter(0, ~std::size_t{0} >> 1U, true))
    {
        const Entry& entry = head.entry;
        std::ostringstream out;
        switch (entry.kind)
        {
        case EntryKind::Tombstone:
            continue;
        case EntryKind::Directory:
            out << head.path.text() << " folder " << std::oct << entry.mode;
            break;
        case EntryKind::Symlink:
            out << head.path.text() << " link " << entry.target;
            break;
        case EntryKind::File:
            out << head.path.text() << " file " << std::oct << entry.mode << std::dec << " "
                << entry.size << " " << entry.mtime.seconds << "." << entry.mtime.nanoseconds;
            break;
        }
        lines.insert(out.str());
    }
    std::string all;
    for (const std::string& line : lines)
    {
        all += line + "\n";
    }
    return all;
}

void checkRest(SimWorld& world)
{
    for (std::size_t i = 0; i < world.agents(); ++i)
    {
        checkAgent(world, i);
    }
    require(headsText(world.relay().store()) == headsOfTree(world.agent(0).files()),
            "the relay's heads and the trees differ");
    const Traffic before = trafficOf(world);
    for (std::size_t i = 0; i < world.agents(); ++i)
    {
        world.agent(i).watcher().add({}, HintScope::Subtree, HintTiming::Settled);
    }
    world.settle();
    const Traffic after = trafficOf(world);
    require(before.bytes == after.bytes, "another look at everything made somebody send");
    require(before.changes == after.changes, "another look at everything changed a tree");
    require(before.rows == after.rows, "another look at everything changed an index");
}

void checkNothingLost(SimWorld& world, const ContentLedger& ledger)
{
    for (std::size_t i = 0; i < world.agents(); ++i)
    {
        FileSystem& files = world.agent(i).files();
        std::set<ContentLedger::Id> found;
        walk(files, {}, [&](const RelativePath& path, const FileStat& stat) {
            if (stat.kind == FileKind::File)
            {
                const auto id = ledger.find(readFile(files, path.text()));
                require(id.has_value(), path.text() + " holds what nobody has written");
                found.insert(*id);
            }
        });
        for (const ContentLedger::Id id : ledger.alive())
        {
            require(found.contains(id),
                    "content #" + std::to_string(id) + " is lost on " + world.agent(i).name());
        }
    }
}

} // namespace tidewire
