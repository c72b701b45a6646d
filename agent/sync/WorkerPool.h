// The threads that run jobs.

#pragma once

#include "agent/sync/Job.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tidewire {

/// A few threads; light jobs go first, heavy ones take turns step by step.
///
/// Thread:  submit() from any; `done` is called on the worker that ended the job.
/// Memory:  who submits bounds how many jobs there are.
class WorkerPool: public JobRunner
{
public:
    /// `done` gets the job back after its last step.
    WorkerPool(unsigned threads, std::function<void(JobPtr)> done);

    /// Ends the threads after their current step; jobs that are not done are dropped.
    ~WorkerPool() override;

    void submit(JobPtr job) override;

    /// As many as there are cores, at least 1 and at most 4.
    [[nodiscard]] static unsigned defaultThreads();

private:
    void run();
    JobPtr take();
    void putBack(JobPtr job);

    // Constant after construction.
    const std::function<void(JobPtr)> _done;

    // Guarded by _mutex.
    std::mutex _mutex;
    std::condition_variable _wake;
    std::deque<JobPtr> _light;
    std::deque<JobPtr> _heavy;
    bool _stopping = false;

    std::vector<std::thread> _threads;
};

} // namespace tidewire
