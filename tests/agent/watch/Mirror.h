// What a program knows of a folder that looks where hints point, and nowhere else.

#pragma once

#include "agent/watch/Watcher.h"

#include <functional>
#include <map>
#include <string>

namespace tidewire {

/// Path to a text that differs when the entry differs.
using MirrorState = std::map<std::string, std::string>;

/// A copy of a folder that is brought up to date by hints alone. When it equals the folder after
/// all hints, no change was missed.
class Mirror
{
public:
    /// `look` tells what is at a path now, or, for a subtree, at and below it. The root is not listed.
    using Look = std::function<MirrorState(const RelativePath& path, HintScope scope)>;

    explicit Mirror(Look look):
        _look(std::move(look)),
        _state(_look(RelativePath(), HintScope::Subtree))
    {
    }

    void apply(const Hint& hint)
    {
        const MirrorState now = _look(hint.path, hint.scope);
        const auto self = now.find(hint.path.text());
        const bool isFolder = self != now.end() && self->second.starts_with("folder");
        const bool keepsBelow = hint.scope == HintScope::Entry && (isFolder || hint.path.isRoot());
        const std::string& path = hint.path.text();
        _state.erase(path);
        if (!keepsBelow)
        {
            // '0' follows '/': between them lies what is below.
            _state.erase(hint.path.isRoot() ? _state.begin() : _state.lower_bound(path + "/"),
                         hint.path.isRoot() ? _state.end() : _state.lower_bound(path + "0"));
        }
        for (const auto& [found, text] : now)
        {
            _state[found] = text;
        }
    }

    [[nodiscard]] const MirrorState& state() const { return _state; }

    /// What is really there.
    [[nodiscard]] MirrorState truth() const { return _look(RelativePath(), HintScope::Subtree); }

private:
    Look _look;
    MirrorState _state;
};

} // namespace tidewire
