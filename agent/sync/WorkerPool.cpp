#include "agent/sync/WorkerPool.h"

#include <pthread.h>

#include <algorithm>

namespace tidewire {

WorkerPool::WorkerPool(unsigned threads, std::function<void(JobPtr)> done): _done(std::move(done))
{
    for (unsigned i = 0; i < std::max(threads, 1U); ++i)
    {
        _threads.emplace_back([this] {
            ::pthread_setname_np(::pthread_self(), "tw-worker");
            run();
        });
    }
}

WorkerPool::~WorkerPool()
{
    {
        const std::lock_guard lock(_mutex);
        _stopping = true;
    }
    _wake.notify_all();
    for (std::thread& thread : _threads)
    {
        thread.join();
    }
}

unsigned WorkerPool::defaultThreads()
{
    return std::clamp(std::thread::hardware_concurrency(), 1U, 4U);
}

void WorkerPool::submit(JobPtr job)
{
    putBack(std::move(job));
    _wake.notify_one();
}

void WorkerPool::putBack(JobPtr job)
{
    const std::lock_guard lock(_mutex);
    (job->weight() == JobWeight::Light ? _light : _heavy).push_back(std::move(job));
}

JobPtr WorkerPool::take()
{
    std::unique_lock lock(_mutex);
    _wake.wait(lock, [this] { return _stopping || !_light.empty() || !_heavy.empty(); });
    if (_stopping)
    {
        return nullptr;
    }
    std::deque<JobPtr>& lane = _light.empty() ? _heavy : _light;
    JobPtr job = std::move(lane.front());
    lane.pop_front();
    return job;
}

void WorkerPool::run()
{
    while (JobPtr job = take())
    {
        if (job->step())
        {
            putBack(std::move(job));
        }
        else
        {
            _done(std::move(job));
        }
    }
}

} // namespace tidewire
