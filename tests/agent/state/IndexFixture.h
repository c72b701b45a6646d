// An index in a folder of its own, and entries to put into it.

#pragma once

#include "agent/state/Index.h"
#include "tests/support/TempFolder.h"

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace tidewire {

inline RelativePath path(std::string_view text)
{
    return RelativePath::parse(text).value();
}

inline Hash hashOf(std::uint8_t first)
{
    Hash hash;
    hash.bytes[0] = first;
    hash.bytes[31] = 7;
    return hash;
}

inline IndexEntry fileAt(std::string_view text, Seq seq = 0)
{
    IndexEntry result;
    result.path = path(text);
    result.seq = seq;
    result.entry.kind = EntryKind::File;
    result.entry.mode = 0640;
    result.entry.mtime = {-3, 999999999};
    result.entry.size = 5;
    result.entry.hash = hashOf(1);
    result.local = {11, 5, {1700000000, 1}, {1700000001, 2}};
    return result;
}

inline bool same(const IndexEntry& a, const IndexEntry& b)
{
    return a.path == b.path && a.seq == b.seq && a.entry == b.entry && a.local == b.local;
}

inline std::vector<std::string> texts(const std::vector<IndexEntry>& entries)
{
    std::vector<std::string> result;
    for (const IndexEntry& entry : entries)
    {
        result.push_back(entry.path.text());
    }
    return result;
}

class IndexFixture
{
protected:
    IndexFixture() { reopen(); }

    void reopen()
    {
        opened.reset();
        opened.emplace(file);
        share = opened->share("photos").id;
    }
    Index& index() { return *opened; }

    TempFolder folder;
    const std::string file = folder / "index.db";
    std::optional<Index> opened;
    ShareId share = 0;
};

} // namespace tidewire
