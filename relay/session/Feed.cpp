// Reads the journal in steps and puts folders before their entries.

#include "relay/session/Feed.h"

#include "relay/session/NamedFrames.h"
#include "shared/base/Errors.h"
#include "shared/daemon/LogEvent.h"

#include <Poco/Logger.h>

#include <algorithm>
#include <utility>

namespace tidewire {

namespace {

constexpr std::size_t kStepItems = 512;
constexpr std::size_t kStepBytes = 256 << 10;
constexpr std::size_t kItemBytes = 128; // of an item besides its path and target, at most
constexpr std::size_t kOpBytes = 24;    // of an operation, at most

// With contents.
constexpr std::size_t kContentStepItems = 128;
constexpr std::uint64_t kContentBytes = 256 << 10;
constexpr std::size_t kContentOps = 1024;

} // namespace

Feed::Feed(const Store& store, ShareNumber share, Seq cursor, Seq resetHead):
    _store(store),
    _share(share),
    _cursor(cursor),
    _resetHead(resetHead),
    _startFloor(store.state().floor)
{
}

void Feed::moveTo(Seq cursor, FrameId newestFrame)
{
    _cursor = cursor;
    _newestFrame = std::max(_newestFrame, newestFrame);
}

bool Feed::canCatchUp(const Line& line) const
{
    return !_live && line.queued(Lane::Urgent) < (_newestFrame == 0 ? kUrgentBytes : kBehindBytes);
}

void Feed::catchUp(Line& line, const std::string& agent, SentFrames& window)
{
    const StoreState state = _store.state();
    if (state.floor > _startFloor && _cursor < state.floor)
    {
        throw Error("deletions were dropped before this agent had taken them in");
    }
    const bool liveOnly = _cursor < _resetHead;
    const Seq goal = liveOnly ? _resetHead : state.head;
    const std::size_t limit = _newestFrame == 0 ? kStepItems : kContentStepItems;
    const std::vector<Revision> heads = _store.headsAfter(_cursor, limit, liveOnly);
    Step step{line, agent, window, {}, {}, {}, 0, {}, {}};
    bool reached = heads.size() < limit;
    for (const Revision& revision : heads)
    {
        if (revision.seq > goal)
        {
            reached = true;
            break;
        }
        if (step.bytes >= kStepBytes)
        {
            reached = false;
            break;
        }
        if (!step.sent.contains(revision.path))
        {
            addParents(step, revision);
            add(step, revision);
        }
        _cursor = revision.seq;
    }
    if (reached || _cursor == goal)
    {
        _cursor = goal;
        _live = goal == state.head;
    }
    send(step, _live);
}

const Revision* Feed::folderHead(Step& step, const RelativePath& path) const
{
    const auto known = step.folders.find(path);
    if (known != step.folders.end())
    {
        return &known->second;
    }
    auto head = _store.head(path);
    return head ? &step.folders.emplace(path, *std::move(head)).first->second : nullptr;
}

void Feed::addParents(Step& step, const Revision& revision)
{
    if (revision.entry.kind == EntryKind::Tombstone)
    {
        return;
    }
    // A folder with a lower seq was sent in its turn, with its own parents.
    std::vector<const Revision*> parents;
    for (RelativePath path = revision.path.parent(); !path.isRoot(); path = path.parent())
    {
        if (step.sent.contains(path))
        {
            break;
        }
        const Revision* head = folderHead(step, path);
        if (head == nullptr || head->seq < revision.seq)
        {
            break;
        }
        parents.push_back(head);
    }
    while (!parents.empty())
    {
        add(step, *parents.back());
        parents.pop_back();
    }
}

void Feed::add(Step& step, const Revision& revision)
{
    if (step.message.items.size() == kMaxBatch)
    {
        send(step, false);
    }
    step.sent.insert(revision.path);
    step.bytes += kItemBytes + revision.path.text().size() + revision.entry.target.size();
    RevisionsMessage::Item item;
    item.revision = revision;
    if (_newestFrame != 0)
    {
        addContent(step, item);
    }
    step.message.items.push_back(std::move(item));
}

void Feed::addContent(Step& step, RevisionsMessage::Item& item)
{
    auto recipe = newContent(step, item.revision);
    const auto frames = recipe ? namedFrames(*recipe) : std::nullopt;
    const bool areNew =
        frames && std::ranges::all_of(*frames, [this](FrameId id) { return id > _newestFrame; });
    if (!areNew)
    {
        return;
    }
    std::vector<FrameId> named = step.named;
    addMissing(named, *frames);
    if (named.size() > kFrameWindow)
    {
        send(step, false);
        named = *frames;
    }
    if (!loadFrames(step, *frames))
    {
        return;
    }
    step.named = std::move(named);
    step.bytes += recipe->size() * kOpBytes;
    item.hasDelta = true;
    item.delta = *std::move(recipe);
}

/// The recipe of a small content that somebody else has made.
std::optional<Recipe> Feed::newContent(const Step& step, const Revision& revision) const
{
    const bool isSmall = revision.entry.kind == EntryKind::File && revision.entry.size > 0 &&
                         revision.entry.size <= kContentBytes;
    if (!isSmall || revision.agent == step.agent)
    {
        return std::nullopt;
    }
    auto recipe = _store.recipe(revision.seq);
    return recipe && recipe->size() <= kContentOps ? std::move(recipe) : std::nullopt;
}

bool Feed::loadFrames(Step& step, const std::vector<FrameId>& frames) const
{
    try
    {
        for (const FrameId id : frames)
        {
            if (!step.loaded.contains(id) && !step.window.contains({_share, id}))
            {
                Frame frame = _store.readFrame(id);
                step.bytes += frame.stored.size();
                step.loaded.emplace(id, std::move(frame));
            }
        }
        return true;
    }
    catch (const CorruptError& error)
    {
        logWith(Poco::Logger::get("relay.session"),
                Poco::Message::PRIO_ERROR,
                "a frame to be sent cannot be read: " + std::string(error.what()),
                {.event = LogEvent::StoreDamaged});
        return false;
    }
}

void Feed::send(Step& step, bool live)
{
    for (const FrameId id : step.window.bringIn(_share, step.named))
    {
        const auto loaded = step.loaded.find(id);
        const Frame frame =
            loaded == step.loaded.end() ? _store.readFrame(id) : std::move(loaded->second);
        step.line.send(
            std::make_shared<const Bytes>(encodeFrame(_share, FrameUse::Live, id, frame)),
            Lane::Urgent);
    }
    step.message.share = _share;
    step.message.cursor = _cursor;
    step.message.tag = live ? _store.state().tag : _store.tagOf(_cursor).value_or(0);
    step.message.live = live;
    step.line.send(step.message, Lane::Urgent);
    step.message.items.clear();
    step.named.clear();
    step.loaded.clear();
}

} // namespace tidewire
