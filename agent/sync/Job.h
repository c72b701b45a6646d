// Work that is done away from the sync thread: reading, packing, downloading, applying.

#pragma once

#include <cstdint>
#include <memory>

namespace tidewire {

class Job;
using JobPtr = std::unique_ptr<Job>;

/// How long a job may keep a worker.
enum class JobWeight : std::uint8_t
{
    Light, ///< small files and metadata: goes first
    Heavy, ///< large contents: gives way to light jobs between its steps
};

/// A piece of work that owns all it needs, so that a worker shares no state with anybody.
///
/// Thread: step() on any worker, one at a time; finish() on the sync thread.
class Job
{
public:
    virtual ~Job() = default;

    [[nodiscard]] virtual JobWeight weight() const { return JobWeight::Light; }

    /// Does a bounded part, about 1 MiB of content at the most. True when it wants to be called
    /// again; false when there is something to hand over. Throws nothing: failures are results.
    virtual bool step() = 0;

    /// Hands the job with its results over to whoever ordered it.
    virtual void finish(JobPtr self) = 0;
};

/// Where jobs are run.
class JobRunner
{
public:
    virtual ~JobRunner() = default;

    /// Runs step() until it returns false, then has finish() called on the sync thread.
    virtual void submit(JobPtr job) = 0;
};

} // namespace tidewire
