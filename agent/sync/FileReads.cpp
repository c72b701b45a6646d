#include "agent/sync/FileReads.h"

#include "agent/sync/DiskState.h"
#include "shared/base/Errors.h"
#include "shared/delta/ContentHash.h"

#include <utility>

namespace tidewire {

namespace {

constexpr SteadyTime kRetryDelay = std::chrono::seconds(1);
constexpr SteadyTime kStorageDelay = std::chrono::seconds(30);
constexpr std::size_t kAppendSamples = 16;
constexpr std::uint64_t kAppendFrom = 4 << 20;
constexpr std::uint64_t kMaxAppend = 8 << 20;

} // namespace

FileReads::FileReads(ShareContext& share, Callbacks callbacks):
    _share(share),
    _callbacks(std::move(callbacks))
{
}

FileReads::~FileReads() = default;

void FileReads::read(const RelativePath& path, const FileStat& stat, ReadPlan plan)
{
    Lot& lot = lotOf(stat.size);
    if (stat.size < ReadJob::kHeavyBytes || lot.reads < kMaxLarge)
    {
        submit(path, stat, plan);
    }
    else if (lot.waiting.size() < kMaxWaiting)
    {
        lot.waiting.push_back({path, stat, plan});
    }
    else
    {
        _callbacks.onPutOff(path, kRetryDelay);
    }
}

void FileReads::submit(const RelativePath& path, const FileStat& stat, ReadPlan plan)
{
    ReadRequest request;
    request.path = path;
    request.expected = stat;
    request.forced = plan.forced;
    const ShareId share = _share.record.id;
    const auto row = _share.index.get(share, path);
    const bool hasBase = row && row->seq != 0 && row->entry.kind == EntryKind::File;
    if (hasBase && plan.withBase)
    {
        const bool grown = stat.size > row->entry.size && row->entry.size >= kAppendFrom &&
                           stat.size - row->entry.size <= kMaxAppend &&
                           stat.inode == row->local.inode;
        if (plan.withAppend && grown)
        {
            request.append = _share.index.appendBase(share, path, kAppendSamples);
            if (request.append &&
                combineLeaves(request.append->size, request.append->leaves) != row->entry.hash)
            {
                request.append.reset();
            }
        }
        if (!request.append)
        {
            request.base = _share.index.signature(share, path);
        }
        // A row may have come to another content without its signature: a delta against that would be of nothing that the
        // relay has, and it does not look.
        if (request.base &&
            combineLeaves(request.base->size, request.base->leaves) != row->entry.hash)
        {
            request.base.reset();
        }
    }
    const bool likeMatters = plan.hashFirst && !hasBase && stat.size > ReadJob::kInlineLiteral;
    request.hashOnly = likeMatters && (_share.index.hasFileOfSize(share, stat.size) ||
                                       _callbacks.isAwaited(path, stat.size));

    ++(stat.size >= ReadJob::kHeavyBytes ? lotOf(stat.size).reads : _light);
    _share.jobs.submit(std::make_unique<ReadJob>(
        _share.files,
        std::move(request),
        [this, plan, connection = _connection](std::unique_ptr<ReadJob> job) {
            if (connection == _connection)
            {
                onRead(std::move(job), plan);
            }
        }));
}

void FileReads::ended(const ReadJob& job)
{
    --(job.weight() == JobWeight::Heavy ? lotOf(job.request().expected.size).reads : _light);
}

void FileReads::onRead(std::unique_ptr<ReadJob> job, ReadPlan plan)
{
    const RelativePath path = job->request().path;
    const auto found = _uploads.find(path);
    const bool broken =
        found != _uploads.end() && found->second.upload->outcome() != Upload::Outcome::Going;
    if (job->status == ReadStatus::Frames && !broken)
    {
        onFrames(std::move(job), plan);
        return;
    }
    ended(*job);
    if (broken)
    {
        restart(path);
    }
    else if (job->status == ReadStatus::Complete)
    {
        _callbacks.onContent(std::move(job), plan);
    }
    else if (job->status == ReadStatus::NotAppended)
    {
        plan.restartUpload = found != _uploads.end();
        plan.withBase = plan.withBase && !job->request().base;
        plan.withAppend = false;
        _uploads.erase(path);
        read(path, job->request().expected, plan);
    }
    else
    {
        _uploads.erase(path);
        _callbacks.onFailed(*job);
    }
}

Upload& FileReads::upload(const ReadJob& job, const ReadPlan& plan)
{
    const RelativePath& path = job.request().path;
    std::unique_ptr<Upload>& upload = _uploads[path].upload;
    if (!upload)
    {
        const auto row = _share.index.get(_share.record.id, path);
        upload =
            std::make_unique<Upload>(_share,
                                     uploadToken(path, job.request().expected, row ? row->seq : 0),
                                     job.request().expected.size,
                                     plan.restartUpload);
    }
    return *upload;
}

void FileReads::onFrames(std::unique_ptr<ReadJob> job, const ReadPlan& plan)
{
    const RelativePath path = job->request().path;
    Upload& target = upload(*job, plan);
    target.add(std::exchange(job->frames, {}));
    check(path, target.park(std::move(job)));
}

UploadToken FileReads::uploadOf(ReadJob& job, const ReadPlan& plan)
{
    Upload& target = upload(job, plan);
    target.add(std::exchange(job.frames, {}));
    return target.token();
}

void FileReads::finish(const RelativePath& path, Proposal proposal)
{
    Entry& entry = _uploads.at(path);
    entry.finished = true;
    check(path, entry.upload->complete(std::move(proposal)));
}

void FileReads::check(const RelativePath& path, Upload::Outcome outcome)
{
    const auto found = _uploads.find(path);
    if (outcome == Upload::Outcome::Going)
    {
        if (found->second.upload->isSent())
        {
            ++_sent.files;
            _sent.bytes += found->second.upload->bytesSent();
            _uploads.erase(found);
        }
        return;
    }
    if (found->second.finished)
    {
        _callbacks.onVoid(path);
    }
    else if (found->second.upload->isReading())
    {
        --lotOf(found->second.upload->fileSize()).reads;
    }
    else
    {
        // The job is with a worker: onRead() begins anew when it comes back.
        return;
    }
    restart(path);
}

/// Begins anew when what an earlier attempt left at the relay is of another content, later when the relay cannot store.
void FileReads::restart(const RelativePath& path)
{
    const bool failed = _uploads.at(path).upload->outcome() == Upload::Outcome::Failed;
    _uploads.erase(path);
    const auto stat = statIfPossible(_share.files, path);
    if (failed)
    {
        _share.log.warning(_share.options.name + ": the relay cannot store " +
                               printable(path.text()) + " now; trying again in 30 s",
                           {.event = LogEvent::PathDelayed, .path = path.text()});
        _callbacks.onPutOff(path, kStorageDelay);
    }
    else if (!stat || stat->kind != FileKind::File)
    {
        _callbacks.onPutOff(path, kRetryDelay);
    }
    else
    {
        ReadPlan plan;
        plan.restartUpload = true;
        plan.hashFirst = false;
        read(path, *stat, plan);
    }
}

void FileReads::onUploadState(const UploadStateMessage& message)
{
    for (const auto& [path, entry] : _uploads)
    {
        if (entry.upload->token() == message.token)
        {
            const RelativePath held = path;
            check(held, entry.upload->onState(message));
            return;
        }
    }
}

void FileReads::onDisconnected()
{
    ++_connection;
    _uploads.clear();
    _large = {};
    _huge = {};
    _light = 0;
}

void FileReads::pump()
{
    for (Lot* lot : {&_large, &_huge})
    {
        while (!lot->waiting.empty() && lot->reads < kMaxLarge)
        {
            const Waiting next = std::move(lot->waiting.front());
            lot->waiting.pop_front();
            submit(next.path, next.stat, next.plan);
        }
    }
}

} // namespace tidewire
