#include "agent/sync/Downloads.h"

#include "agent/sync/DiskState.h"

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
            return (item.second.size >= kHugeBytes) == (size >= kHugeBytes);
        });
    return static_cast<std::size_t>(sameKind) < kMaxOfKind;
}

bool Downloads::canStart(const RelativePath& path, std::uint64_t size) const
{
    return hasRoom(size) && !_downloads.contains(path) && !_atWork.contains(path);
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
    _downloads.emplace(request.path, Download{request.seq, request.entry.size, nullptr, {}});
    auto job = std::make_unique<DownloadJob>(
        _share.files,
        _share.options.modes,
        std::move(request),
        [this](std::unique_ptr<DownloadJob> done) { onJob(std::move(done)); });
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

void Downloads::onJob(std::unique_ptr<DownloadJob> job)
{
    const RelativePath path = job->request().path;
    const Seq seq = job->request().seq;
    _fetcher.grant(std::exchange(job->digested, 0));
    _atWork.erase(path);
    const auto found = _downloads.find(path);
    const bool isKnown = found != _downloads.end() && found->second.seq == seq;
    const bool wanted = isKnown && _callbacks.isWanted(path, seq);
    if (!wanted || job->status != DownloadStatus::Hungry)
    {
        _fetcher.grant(job->undigested());
        if (isKnown)
        {
            // Otherwise what is fetched for the path is a newer revision by now.
            drop(path);
        }
        _callbacks.onEnd(*job, wanted);
        return;
    }
    Download& download = found->second;
    for (ContentChunk& chunk : std::exchange(download.chunks, {}))
    {
        job->add(std::move(chunk));
    }
    if (job->hasChunks())
    {
        submit(std::move(job));
    }
    else
    {
        download.waiting = std::move(job);
    }
}

void Downloads::drop(const RelativePath& path)
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
