// All contents that the users of a simulation have written, each with a mark of its own.

#pragma once

#include "shared/fs/RelativePath.h"
#include "tests/sim/SimRandom.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace tidewire {

/// A content is alive until somebody who sees it replaces or removes it, at any path.
class ContentLedger
{
public:
    using Id = std::uint64_t;

    /// A new content of about `size` bytes that no other one is like.
    const std::string& make(SimRandom& random, std::size_t size);

    /// A new content made of `text` by changing some bytes; the size stays.
    const std::string& edit(SimRandom& random, std::string_view text);

    /// A new content that begins with `text`.
    const std::string& append(SimRandom& random, std::string_view text);

    /// The content that this is; nothing when nobody has written it so.
    [[nodiscard]] std::optional<Id> find(std::string_view text) const;

    /// Somebody who saw it at `path` has replaced or removed it.
    void supersede(std::string_view text, const RelativePath& path);

    /// It was written once more, at `path`. That counts for nothing where it was superseded at this
    /// very path: equal contents at a path are one, and the removal may be on its way to this one.
    void revive(std::string_view text, const RelativePath& path);

    [[nodiscard]] const std::set<Id>& alive() const { return _alive; }
    [[nodiscard]] const std::string& text(Id id) const { return _texts.at(id); }

private:
    const std::string& add(std::string text);
    static std::string mark(Id id);

    std::map<Id, std::string> _texts;
    std::map<std::string, Id, std::less<>> _ids;
    std::set<Id> _alive;
    std::set<std::pair<std::string, Id>> _superseded;
    Id _last = 0;
};

} // namespace tidewire
