#include "agent/sync/DurableMark.h"

#include "shared/base/Errors.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace tidewire {

namespace {

constexpr std::size_t kPage = 256;

} // namespace

class DurableMark::SyncJob: public Job
{
public:
    SyncJob(FileSystem& files, std::function<void(bool isDone)> done):
        _files(files),
        _done(std::move(done))
    {
    }

    [[nodiscard]] JobWeight weight() const override { return JobWeight::Heavy; }

    bool step() override
    {
        try
        {
            _files.syncAll();
            _isDone = true;
        }
        catch (const StorageError&)
        {
            _isDone = false;
        }
        return false;
    }

    void finish(JobPtr) override { _done(_isDone); }

private:
    FileSystem& _files;
    const std::function<void(bool isDone)> _done;
    bool _isDone = false;
};

void DurableMark::start(const std::string& boot)
{
    const ShareId share = _share.record.id;
    if (!boot.empty() && boot == _share.record.boot)
    {
        // What an earlier process recorded may still be in the kernel's hands alone.
        for (const IndexEntry& row : _share.index.withSeqAfter(share, _share.record.durable, 1))
        {
            _share.unsynced.note(row.seq);
        }
        return;
    }
    _share.record.boot = boot;
    // What was proposed and not answered may not have reached the disk either: it is news when it comes back.
    _share.index.ageSent(share, 0);
    std::size_t count = 0;
    for (auto rows = _share.index.withSeqAfter(share, _share.record.durable, kPage); !rows.empty();
         rows = _share.index.withSeqAfter(share, _share.record.durable, kPage))
    {
        for (const IndexEntry& row : rows)
        {
            _share.index.remove(share, row.path);
            if (!_share.index.pending(share, row.path))
            {
                _share.index.putPending(share, {{row.seq, row.path, row.entry, {}}, 0});
            }
            ++count;
        }
    }
    if (count > 0)
    {
        _share.log.warning(_share.options.name + ": the system was not shut down; " +
                               std::to_string(count) +
                               " entries that may not have reached the disk are looked at again",
                           {.event = LogEvent::ShareCompared});
    }
}

void DurableMark::run()
{
    if (_share.unsynced.empty())
    {
        _due.reset();
    }
    if (_share.unsynced.empty() || _isSyncing)
    {
        return;
    }
    const SteadyTime now = _share.clock.steady();
    if (!_due)
    {
        _due = now + kDelay;
    }
    if (now < *_due)
    {
        return;
    }
    _due.reset();
    _isSyncing = true;
    _share.unsynced.beginSync();
    const Seq upTo = std::max(_share.unsynced.highest, _share.record.cursor);
    _share.jobs.submit(std::make_unique<SyncJob>(
        _share.files, [this, upTo](bool isDone) { onSynced(isDone, upTo); }));
}

void DurableMark::onSynced(bool isDone, Seq upTo)
{
    _isSyncing = false;
    if (isDone)
    {
        _share.unsynced.endSync();
        if (_share.raiseDurable(upTo))
        {
            _share.index.putShare(_share.record);
        }
    }
}

void DurableMark::stop()
{
    if (_share.unsynced.empty())
    {
        return;
    }
    try
    {
        _share.files.syncAll();
    }
    catch (const StorageError&)
    {
        return;
    }
    const Seq upTo = std::max(_share.unsynced.highest, _share.record.cursor);
    _share.unsynced = {};
    if (_share.raiseDurable(upTo))
    {
        _share.index.putShare(_share.record);
    }
}

} // namespace tidewire
