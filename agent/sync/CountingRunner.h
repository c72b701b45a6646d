// Knows how many jobs are out.

#pragma once

#include "agent/sync/Job.h"

#include <cstddef>
#include <memory>
#include <utility>

namespace tidewire {

/// Passes jobs on and counts those that have not come back.
///
/// Thread: the sync thread, but for what the jobs themselves do.
class CountingRunner: public JobRunner
{
public:
    explicit CountingRunner(JobRunner& runner): _runner(runner) {}

    void submit(JobPtr job) override
    {
        ++*_count;
        _runner.submit(std::make_unique<Counted>(std::move(job), _count));
    }

    [[nodiscard]] std::size_t count() const { return *_count; }

private:
    class Counted: public Job
    {
    public:
        Counted(JobPtr inner, std::shared_ptr<std::size_t> count):
            _inner(std::move(inner)),
            _count(std::move(count))
        {
        }

        [[nodiscard]] JobWeight weight() const override { return _inner->weight(); }
        bool step() override { return _inner->step(); }
        void finish(JobPtr) override
        {
            --*_count;
            Job& job = *_inner;
            job.finish(std::move(_inner));
        }

    private:
        JobPtr _inner;
        const std::shared_ptr<std::size_t> _count; // changed on the sync thread only
    };

    JobRunner& _runner;
    const std::shared_ptr<std::size_t> _count = std::make_shared<std::size_t>(0);
};

} // namespace tidewire
