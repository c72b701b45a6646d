#include "agent/sync/Downloads.h"

#include "agent/sync/DiskState.h"
#include "agent/sync/PrivateFolder.h"

#include <algorithm>
#include <utility>

namespace tidewire {

Downloads::Downloads(ShareContext& share, Fetcher& fetcher, Callbacks callbacks):
    _share(share),
    _fetcher(fetcher),
    _callbacks(std::move(callbacks))
{
}

bool Downloads::hasRoom(std::uint64_t size) const
{
    const auto sameKind =
        std::count_if(_downloads.begin(), _downloads.end(), [&](const auto& item) {
            return !item.second.isFollowed() &&
                   (item.second.size >= kHugeBytes) == (size >= kHugeBytes);
        });
    return static_cast<std::size_t>(sameKind) < kMaxOfKind;
}

bool Downloads::canStart(const RelativePath& path, std::uint64_t size) const
{
    return hasRoom(size) && !_downloads.contains(path) && !_atWork.contains(path);
}

std::unique_ptr<DownloadJob> Downloads::makeJob(DownloadRequest request)
{
    return std::make_unique<DownloadJob>(
        _share.files,
        _share.options.modes,
        std::move(request),
        [this](std::unique_ptr<DownloadJob> done) { onJob(std::move(done)); });
}

void Downloads::submit(std::unique_ptr<DownloadJob> job)
{
    _atWork.insert(job->request().path);
    _share.jobs.submit(std::move(job));
}

void Downloads::start(DownloadRequest request, ContentChunk first)
{
    if (request.resumeAt == 0 && _share.files.stat(request.temporary))
    {
        removeIfThere(_share.files, request.temporary);
    }
    _downloads.emplace(request.path,
                       Download{request.seq, request.entry.size, nullptr, {}, {}, false, 0, 0});
    auto job = makeJob(std::move(request));
    if (!first.ops.empty())
    {
        job->add(std::move(first));
    }
    submit(std::move(job));
}

void Downloads::onChunk(const RelativePath& path, Seq seq, ContentChunk chunk)
{
    const auto found = _downloads.find(path);
    if (found == _downloads.end() || found->second.seq != seq)
    {
        _fetcher.grant(chunk.credit);
        return;
    }
    Download& download = found->second;
    if (!download.waiting)
    {
        download.chunks.push_back(std::move(chunk));
        return;
    }
    download.waiting->add(std::move(chunk));
    submit(std::move(download.waiting));
}

/// True when what the job has made waits for its revision.
bool Downloads::isLeftover(const DownloadJob& job) const
{
    const auto found = _leftovers.find(job.request().path);
    return found != _leftovers.end() && found->second.temporary == job.request().temporary;
}

void Downloads::onJob(std::unique_ptr<DownloadJob> job)
{
    const RelativePath path = job->request().path;
    _fetcher.grant(std::exchange(job->digested, 0));
    _atWork.erase(path);
    const auto found = _downloads.find(path);
    const bool hasBecome = found != _downloads.end() && found->second.entry.has_value();
    if (hasBecome)
    {
        become(*job, found->second);
    }
    const Seq seq = job->request().seq;
    const bool isKnown = found != _downloads.end() && found->second.seq == seq;
    const bool followed = isKnown && found->second.isFollowed();
    const bool wanted = isKnown && (followed || _callbacks.isWanted(path, seq));
    if (!wanted || job->status != DownloadStatus::Hungry)
    {
        _fetcher.grant(job->undigested());
        if (isKnown)
        {
            // Otherwise what is fetched for the path is a newer revision by now.
            drop(path);
        }
        if (isLeftover(*job))
        {
            return;
        }
        _callbacks.onEnd(*job, wanted && !followed);
        return;
    }
    Download& download = found->second;
    for (ContentChunk& chunk : std::exchange(download.chunks, {}))
    {
        job->add(std::move(chunk));
    }
    if (job->hasChunks() || hasBecome)
    {
        submit(std::move(job));
    }
    else
    {
        download.waiting = std::move(job);
    }
}

bool Downloads::canFollow(const RelativePath& path)
{
    if (_downloads.contains(path) || _atWork.contains(path))
    {
        return false;
    }
    std::size_t count = 0;
    std::optional<RelativePath> unclaimed;
    for (const auto& [other, download] : _downloads)
    {
        count += download.isFollowed() ? 1U : 0U;
        if (download.isFollowed() && download.complete)
        {
            unclaimed = other;
        }
    }
    if (count < kMaxFollowed)
    {
        return true;
    }
    if (unclaimed)
    {
        dropFollowed(*unclaimed);
    }
    return unclaimed.has_value();
}

void Downloads::follow(const RelativePath& path, std::uint64_t size, std::uint64_t upload)
{
    const std::uint64_t number = _nextFollowed++;
    DownloadRequest request;
    request.path = path;
    request.entry.kind = EntryKind::File;
    request.entry.size = size;
    request.temporary = PrivateFolder::incoming(number);
    removeIfThere(_share.files, request.temporary);
    dropLeftover(path);
    _downloads.emplace(
        path, Download{0, size, makeJob(std::move(request)), {}, {}, false, upload, number});
}

void Downloads::onFollowedEnd(const RelativePath& path, bool complete)
{
    const auto found = _downloads.find(path);
    if (found == _downloads.end() || !found->second.isFollowed())
    {
        return;
    }
    found->second.complete = complete;
    if (!complete)
    {
        dropFollowed(path);
    }
}

bool Downloads::adopt(const RelativePath& path, Seq seq, const Entry& entry, std::uint64_t upload)
{
    const auto found = _downloads.find(path);
    if (found == _downloads.end() || !found->second.isFollowed())
    {
        return false;
    }
    Download& download = found->second;
    if (upload == 0)
    {
        leave(path);
        return false;
    }
    if (download.upload != upload || download.size != entry.size)
    {
        dropFollowed(path);
        return false;
    }
    download.seq = seq;
    download.entry = entry;
    _fetcher.adopt(path, seq);
    if (download.waiting)
    {
        become(*download.waiting, download);
        submit(std::move(download.waiting));
    }
    return true;
}

void Downloads::become(DownloadJob& job, Download& download)
{
    job.become(download.seq, *download.entry, PrivateFolder::partial(download.seq));
    download.entry.reset();
}

void Downloads::dropFollowed(const RelativePath& path)
{
    dropLeftover(path);
    const auto found = _downloads.find(path);
    if (found == _downloads.end() || !found->second.isFollowed())
    {
        return;
    }
    // A job that is with a worker gives up its file when it comes back.
    const auto unfinished = std::move(found->second.waiting);
    end(path);
    if (unfinished)
    {
        removeIfThere(_share.files, unfinished->request().temporary);
    }
}

void Downloads::leaveFollowed()
{
    std::vector<RelativePath> followed;
    for (const auto& [path, download] : _downloads)
    {
        if (download.isFollowed())
        {
            followed.push_back(path);
        }
    }
    for (const RelativePath& path : followed)
    {
        leave(path);
    }
}

/// Gives up following; a job that is with a worker still writes what it has.
void Downloads::leave(const RelativePath& path)
{
    const Download& download = _downloads.at(path);
    while (_leftovers.size() >= kMaxFollowed)
    {
        const auto oldest = std::ranges::min_element(
            _leftovers, {}, [](const auto& item) { return item.second.until; });
        const RelativePath other = oldest->first;
        dropLeftover(other);
    }
    _leftovers[path] = Leftover{download.size,
                                PrivateFolder::incoming(download.number),
                                _share.clock.steady() + kLeftoverTime};
    end(path);
}

/// A job that is still with a worker gives its file up when it comes back and finds itself unwanted.
void Downloads::dropLeftover(const RelativePath& path)
{
    const auto found = _leftovers.find(path);
    if (found == _leftovers.end())
    {
        return;
    }
    if (!_atWork.contains(path))
    {
        removeIfThere(_share.files, found->second.temporary);
    }
    _leftovers.erase(found);
}

void Downloads::claimLeftover(const RelativePath& path, Seq seq, std::uint64_t size)
{
    const auto found = _leftovers.find(path);
    if (found == _leftovers.end() || _atWork.contains(path))
    {
        return;
    }
    try
    {
        const RelativePath partial = PrivateFolder::partial(seq);
        if (found->second.size == size && !_share.files.stat(partial) &&
            _share.files.stat(found->second.temporary))
        {
            static_cast<void>(_share.files.renameNoReplace(found->second.temporary, partial));
        }
    }
    catch (const StorageError& error)
    {
        _share.log.debug(_share.options.name + ": " + error.what());
    }
    dropLeftover(path);
}

void Downloads::sweepLeftovers()
{
    const SteadyTime now = _share.clock.steady();
    std::vector<RelativePath> old;
    for (const auto& [path, leftover] : _leftovers)
    {
        if (leftover.until <= now)
        {
            old.push_back(path);
        }
    }
    for (const RelativePath& path : old)
    {
        dropLeftover(path);
    }
}

std::optional<SteadyTime> Downloads::nextDue() const
{
    std::optional<SteadyTime> due;
    for (const auto& [path, leftover] : _leftovers)
    {
        due = std::min(due.value_or(leftover.until), leftover.until);
    }
    return due;
}

void Downloads::drop(const RelativePath& path)
{
    dropFollowed(path);
    end(path);
}

void Downloads::end(const RelativePath& path)
{
    _fetcher.cancel(path);
    const auto found = _downloads.find(path);
    if (found != _downloads.end())
    {
        for (const ContentChunk& chunk : found->second.chunks)
        {
            _fetcher.grant(chunk.credit);
        }
        _downloads.erase(found);
    }
}

} // namespace tidewire
