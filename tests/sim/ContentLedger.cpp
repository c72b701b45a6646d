// All contents that the users of a simulation have written, each with a mark of its own.

#include "tests/sim/ContentLedger.h"

#include <algorithm>

namespace tidewire {

namespace {

constexpr std::size_t kMarkBytes = 8;

} // namespace

std::string ContentLedger::mark(Id id)
{
    std::string digits = std::to_string(id);
    return "#" + std::string(kMarkBytes - 2 - std::min(digits.size(), kMarkBytes - 2), '0') +
           digits + "\n";
}

const std::string& ContentLedger::add(std::string text)
{
    const Id id = ++_last;
    _alive.insert(id);
    const std::string& kept = _texts.emplace(id, std::move(text)).first->second;
    _ids.emplace(kept, id);
    return kept;
}

const std::string& ContentLedger::make(SimRandom& random, std::size_t size)
{
    std::string text = mark(_last + 1);
    while (text.size() < size)
    {
        // Half of it repeats, so that it can be compressed.
        const auto letter = static_cast<char>('a' + random.below(26));
        text.append(1 + static_cast<std::size_t>(random.below(4)), letter);
    }
    return add(std::move(text));
}

const std::string& ContentLedger::edit(SimRandom& random, std::string_view text)
{
    std::string changed(text);
    changed.replace(0, kMarkBytes, mark(_last + 1));
    for (std::size_t count = 0; count < 4 && changed.size() > kMarkBytes; ++count)
    {
        const std::size_t place =
            kMarkBytes + static_cast<std::size_t>(random.below(changed.size() - kMarkBytes));
        changed[place] = static_cast<char>('A' + random.below(26));
    }
    return add(std::move(changed));
}

const std::string& ContentLedger::append(SimRandom& random, std::string_view text)
{
    std::string longer(text);
    longer += "+" + mark(_last + 1);
    longer.append(static_cast<std::size_t>(random.below(200)), '.');
    return add(std::move(longer));
}

std::optional<ContentLedger::Id> ContentLedger::find(std::string_view text) const
{
    const auto found = _ids.find(text);
    return found == _ids.end() ? std::nullopt : std::optional(found->second);
}

void ContentLedger::supersede(std::string_view text, const RelativePath& path)
{
    if (const auto id = find(text))
    {
        _superseded.emplace(path.text(), *id);
        _alive.erase(*id);
    }
}

void ContentLedger::revive(std::string_view text, const RelativePath& path)
{
    const auto id = find(text);
    if (id && !_superseded.contains({path.text(), *id}))
    {
        _alive.insert(*id);
    }
}

} // namespace tidewire
