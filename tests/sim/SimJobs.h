// Runs the jobs of one agent a step at a time, when and in the order in which the world says so.

#pragma once

#include "agent/sync/Job.h"
#include "tests/sim/SimRandom.h"

#include <cstddef>
#include <deque>
#include <vector>

namespace tidewire {

class SimJobs: public JobRunner
{
public:
    explicit SimJobs(SimRandom& random): _random(random) {}

    void submit(JobPtr job) override { _waiting.push_back(std::move(job)); }

    [[nodiscard]] bool hasSteps() const { return !_waiting.empty(); }
    [[nodiscard]] bool hasResults() const { return !_done.empty(); }

    /// One step of any of the jobs. What a step throws goes through: the job is gone then.
    void step()
    {
        const auto place =
            _waiting.begin() + static_cast<std::ptrdiff_t>(_random.below(_waiting.size()));
        JobPtr job = std::move(*place);
        _waiting.erase(place);
        if (job->step())
        {
            _waiting.push_back(std::move(job));
        }
        else
        {
            _done.push_back(std::move(job));
        }
    }

    /// The job that was done first.
    [[nodiscard]] JobPtr takeResult()
    {
        JobPtr job = std::move(_done.front());
        _done.pop_front();
        return job;
    }

    /// As at the end of the process.
    void drop()
    {
        _waiting.clear();
        _done.clear();
    }

private:
    SimRandom& _random;
    std::vector<JobPtr> _waiting;
    std::deque<JobPtr> _done;
};

} // namespace tidewire
