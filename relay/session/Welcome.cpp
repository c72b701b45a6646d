// Compares the cursor of an agent with the journal.

#include "relay/session/Welcome.h"

#include "shared/base/Errors.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

namespace tidewire {

namespace {

constexpr std::string_view kNameCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

void checkName(const std::string& name, std::size_t limit, const char* what)
{
    const bool plain = !name.empty() && name.size() <= limit &&
                       name.find_first_not_of(kNameCharacters) == std::string::npos;
    if (!plain || name == "." || name == "..")
    {
        throw ProtocolError(std::string("HELLO with a bad name of ") + what);
    }
}

} // namespace

WelcomeMessage::Share welcomeTo(const Store& store, const HelloMessage::Share& share)
{
    const StoreState state = store.state();
    WelcomeMessage::Share welcome;
    welcome.incarnation = state.incarnation;
    welcome.head = state.head;
    welcome.status = ShareStatus::Continue;
    const bool isNew = share.cursor == 0 && share.incarnation == Incarnation{};
    if (isNew)
    {
        return welcome;
    }
    // A store that was put back from a copy keeps its incarnation but gives out the same numbers again: the tag tells.
    const auto tag = share.cursor == 0 ? std::nullopt : store.tagOf(share.cursor);
    const bool sameStore = share.incarnation == state.incarnation && share.cursor <= state.head &&
                           (!tag || *tag == share.tag);
    if (!sameStore || share.cursor < state.floor)
    {
        welcome.status = ShareStatus::Reset;
        welcome.sameStore = sameStore;
    }
    return welcome;
}

void checkHello(const HelloMessage& hello)
{
    checkName(hello.agent, kMaxAgentNameBytes, "the agent");
    std::set<std::string_view> names;
    for (const HelloMessage::Share& share : hello.shares)
    {
        checkName(share.name, kMaxShareNameBytes, "a share");
        if (!names.insert(share.name).second)
        {
            throw ProtocolError("HELLO names a share twice");
        }
    }
}

} // namespace tidewire
