#include "relay/store/EmbeddedStore.h"

#include "relay/store/Arbiter.h"
#include "relay/store/Collector.h"
#include "relay/store/Compactor.h"
#include "relay/store/JournalSchema.h"
#include "relay/store/Retention.h"
#include "shared/base/Errors.h"

#include <cerrno>
#include <limits>
#include <utility>

namespace tidewire {

namespace {

constexpr std::uint32_t kFolderMode = 0700;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();

/// An upload that has paused for so long is made durable without waiting for a full step.
constexpr std::int64_t kUploadPauseSeconds = 10;

RelativePath shareFolder(const std::string& share)
{
    const std::optional<RelativePath> folder = RelativePath::join(RelativePath(), share);
    if (!folder)
    {
        throw Error("a share cannot be named " + printable(share));
    }
    return *folder;
}

RelativePath segmentFolder(const std::string& share)
{
    return *RelativePath::join(shareFolder(share), "segments");
}

void makeFolder(FileSystem& state, const RelativePath& folder)
{
    if (!state.stat(folder))
    {
        state.createDirectory(folder, kFolderMode);
        state.syncDirectory(folder.parent());
    }
}

std::unique_ptr<Database> openJournal(FileSystem& state,
                                      const std::string& statePath,
                                      const std::string& share,
                                      const StoreOptions& options)
{
    makeFolder(state, shareFolder(share));
    makeFolder(state, segmentFolder(share));
    auto database =
        std::make_unique<Database>(statePath + "/" + share + "/journal.db",
                                   DatabaseOptions{Durability::Committed, options.cacheKiB});
    openJournalSchema(*database);
    state.syncDirectory(shareFolder(share));
    return database;
}

} // namespace

struct EmbeddedStore::Parts
{
    Parts(FileSystem& state,
          const std::string& statePath,
          const std::string& share,
          const StoreOptions& options):
        database(openJournal(state, statePath, share, options)),
        journal(*database),
        segments(state, segmentFolder(share), journal.state().incarnation, options.segmentBytes),
        pool(*database, segments),
        uploads(*database, pool),
        arbiter(*database, journal, pool, uploads),
        retention(*database, journal, pool, uploads, options),
        compactor(*database, pool),
        collector(*database, segments, pool, uploads, options)
    {
        segments.open(FramePool::knownSegments(*database));
    }

    const std::unique_ptr<Database> database;
    Journal journal;
    Segments segments;
    FramePool pool;
    Uploads uploads;
    Arbiter arbiter;
    Retention retention;
    Compactor compactor;
    Collector collector;
};

EmbeddedStore::EmbeddedStore(FileSystem& state,
                             const std::string& statePath,
                             const std::string& share,
                             const Clock& clock,
                             const StoreOptions& options):
    _share(share),
    _clock(clock),
    _parts(std::make_unique<Parts>(state, statePath, share, options))
{
}

EmbeddedStore::~EmbeddedStore()
{
    try
    {
        // What has come of uploads waits to be synced together: at a clean end it need not be sent again.
        static_cast<void>(maintain(_clock.wallSeconds() + kUploadPauseSeconds + 1));
    }
    catch (const Error&)
    {
        // As after a crash: the agents send it again.
        return;
    }
}

void EmbeddedStore::requireSound() const
{
    if (_broken)
    {
        throw Error("share " + _share + ": the batch has failed and was not rolled back");
    }
}

template <typename Work>
auto EmbeddedStore::write(Work work)
{
    requireSound();
    _broken = true;
    if (!_parts->database->inTransaction())
    {
        _parts->database->begin();
    }
    auto result = work();
    _broken = false;
    return result;
}

StoreState EmbeddedStore::state() const
{
    return _parts->journal.state();
}

FrameId EmbeddedStore::addFrame(const Frame& frame)
{
    if (!isWellFormed(frame))
    {
        throw ProtocolError("a frame with wrong lengths");
    }
    return write([&] { return _parts->pool.add(SegmentLane::Small, frame); });
}

UploadState EmbeddedStore::openUpload(const std::string& agent,
                                      const UploadToken& token,
                                      std::uint32_t capacity,
                                      bool restart)
{
    Uploads& uploads = _parts->uploads;
    const std::int64_t now = _clock.wallSeconds();
    if (!uploads.isNew(agent, token, capacity) && !restart)
    {
        return uploads.open(agent, token, capacity, now);
    }
    return write([&] {
        uploads.close(agent, token);
        return uploads.open(agent, token, capacity, now);
    });
}

void EmbeddedStore::addUploadFrame(const std::string& agent,
                                   const UploadToken& token,
                                   std::uint32_t index,
                                   const Frame& frame)
{
    requireSound();
    _parts->uploads.check(agent, token, index, frame);
    _broken = true;
    _parts->uploads.add(agent, token, frame, _clock.wallSeconds());
    _broken = false;
}

ProposalResult EmbeddedStore::propose(const std::string& agent, const Proposal& proposal)
{
    return write([&] {
        Judgement judgement = _parts->arbiter.decide(agent, proposal, _clock.wallSeconds());
        if (judgement.accepted)
        {
            _accepted.push_back(std::move(*judgement.accepted));
        }
        return judgement.result;
    });
}

std::vector<Accepted> EmbeddedStore::commit()
{
    requireSound();
    const bool due = _parts->uploads.isDue(kNever);
    if (due || _parts->database->inTransaction())
    {
        write([&] {
            _parts->uploads.persistDue(kNever, _clock.wallSeconds());
            finish();
            return 0;
        });
    }
    _parts->pool.keep();
    _parts->uploads.keep();
    _parts->journal.keep();
    return std::exchange(_accepted, {});
}

void EmbeddedStore::finish()
{
    _parts->journal.settle();
    _parts->pool.settle(_clock.wallSeconds());
    try
    {
        _parts->database->commit();
    }
    catch (const StorageError& error)
    {
        // A full disk keeps the last page, with the commit mark, out of the log. After other
        // errors it may be there, and come to life at the next start.
        _uncertain = error.code() != ENOSPC;
        throw;
    }
    catch (const Error&)
    {
        _uncertain = true;
        throw;
    }
}

void EmbeddedStore::rollback()
{
    _broken = true;
    _parts->database->rollback();
    _parts->pool.forget(std::exchange(_uncertain, false));
    _parts->uploads.forget(_parts->segments.takeLost(SegmentLane::Bulk));
    _parts->journal.forget();
    _accepted.clear();
    _broken = false;
}

std::optional<Revision> EmbeddedStore::head(const RelativePath& path) const
{
    return _parts->journal.head(path);
}

std::vector<Revision> EmbeddedStore::headsAfter(Seq after, std::size_t limit, bool liveOnly) const
{
    return _parts->journal.headsAfter(after, limit, liveOnly);
}

std::optional<std::uint64_t> EmbeddedStore::tagOf(Seq seq) const
{
    return _parts->journal.tagOf(seq);
}

std::optional<Recipe> EmbeddedStore::recipe(Seq seq) const
{
    return _parts->journal.recipe(seq);
}

std::uint32_t EmbeddedStore::rawLength(FrameId id) const
{
    return _parts->pool.rawLength(id);
}

Frame EmbeddedStore::readFrame(FrameId id) const
{
    try
    {
        return _parts->pool.read(id);
    }
    catch (const CorruptError& error)
    {
        throw CorruptError("share " + _share + ": " + error.what());
    }
}

bool EmbeddedStore::upkeep(std::int64_t nowSeconds)
{
    const std::int64_t pause = nowSeconds - kUploadPauseSeconds;
    if (_parts->uploads.isDue(pause))
    {
        _parts->uploads.persistDue(pause, nowSeconds);
        return true;
    }
    if (_parts->collector.isRunning())
    {
        return _parts->collector.step(nowSeconds);
    }
    return _parts->retention.step(nowSeconds) || _parts->compactor.step() ||
           _parts->collector.step(nowSeconds);
}

bool EmbeddedStore::maintain(std::int64_t nowSeconds)
{
    if (_broken || _parts->database->inTransaction())
    {
        return false;
    }
    try
    {
        const bool worked = write([&] {
            if (!upkeep(nowSeconds))
            {
                _parts->database->rollback();
                return false;
            }
            finish();
            return true;
        });
        if (worked)
        {
            _parts->pool.keep();
            _parts->uploads.keep();
            _parts->journal.keep();
        }
        return worked;
    }
    catch (...) // whatever it was, the store has to stand where the last commit left it
    {
        rollback();
        _parts->collector.abandon();
        throw;
    }
}

} // namespace tidewire
