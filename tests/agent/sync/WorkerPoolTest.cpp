// WorkerPool: light jobs first, heavy ones in turns, an orderly end.

#include "agent/sync/WorkerPool.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

using namespace tidewire;

namespace {

/// What happened on the workers, and gates that hold them.
class Diary
{
public:
    void write(const std::string& line)
    {
        const std::lock_guard lock(_mutex);
        _lines.push_back(line);
        _changed.notify_all();
    }

    /// Waits until `count` lines are there.
    std::vector<std::string> read(std::size_t count)
    {
        std::unique_lock lock(_mutex);
        _changed.wait(lock, [&] { return _lines.size() >= count; });
        return _lines;
    }

    void open()
    {
        const std::lock_guard lock(_mutex);
        _isOpen = true;
        _changed.notify_all();
    }

    void pass()
    {
        std::unique_lock lock(_mutex);
        _changed.wait(lock, [&] { return _isOpen; });
    }

private:
    std::mutex _mutex;
    std::condition_variable _changed;
    std::vector<std::string> _lines;
    bool _isOpen = false;
};

class DiaryJob: public Job
{
public:
    DiaryJob(Diary& diary, std::string name, JobWeight weight, int steps, bool waits = false):
        _diary(diary),
        _name(std::move(name)),
        _weight(weight),
        _steps(steps),
        _waits(waits)
    {
    }

    [[nodiscard]] JobWeight weight() const override { return _weight; }
    bool step() override
    {
        _diary.write(_name);
        if (_waits)
        {
            _diary.pass();
        }
        return --_steps > 0;
    }
    void finish(JobPtr) override {}

private:
    Diary& _diary;
    const std::string _name;
    const JobWeight _weight;
    int _steps;
    const bool _waits;
};

JobPtr job(Diary& diary, std::string name, JobWeight weight, int steps, bool waits = false)
{
    return std::make_unique<DiaryJob>(diary, std::move(name), weight, steps, waits);
}

/// Order of the steps of one worker that found all jobs waiting.
std::vector<std::string> orderOf(const std::function<void(WorkerPool&, Diary&)>& submit,
                                 std::size_t steps)
{
    Diary diary;
    WorkerPool pool(1, [](JobPtr) {});
    pool.submit(job(diary, "gate", JobWeight::Light, 1, true));
    diary.read(1);
    submit(pool, diary);
    diary.open();
    auto lines = diary.read(steps + 1);
    lines.erase(lines.begin());
    return lines;
}

} // namespace

TEST_CASE("WorkerPool: light jobs go before heavy ones that came first", "[workerpool]")
{
    const auto order = orderOf(
        [](WorkerPool& pool, Diary& diary) {
            pool.submit(job(diary, "heavy", JobWeight::Heavy, 1));
            pool.submit(job(diary, "light 1", JobWeight::Light, 1));
            pool.submit(job(diary, "light 2", JobWeight::Light, 1));
        },
        3);

    CHECK(order == std::vector<std::string>{"light 1", "light 2", "heavy"});
}

TEST_CASE("WorkerPool: heavy jobs take turns", "[workerpool]")
{
    const auto order = orderOf(
        [](WorkerPool& pool, Diary& diary) {
            pool.submit(job(diary, "a", JobWeight::Heavy, 3));
            pool.submit(job(diary, "b", JobWeight::Heavy, 2));
            pool.submit(job(diary, "c", JobWeight::Heavy, 1));
        },
        6);

    CHECK(order == std::vector<std::string>{"a", "b", "c", "a", "b", "a"});
}

TEST_CASE("WorkerPool: a heavy job gives way to a light one between two steps", "[workerpool]")
{
    Diary diary;
    WorkerPool pool(1, [](JobPtr) {});
    pool.submit(job(diary, "heavy", JobWeight::Heavy, 3, true));
    diary.read(1);
    pool.submit(job(diary, "light", JobWeight::Light, 1));
    diary.open();

    CHECK(diary.read(4) == std::vector<std::string>{"heavy", "light", "heavy", "heavy"});
}

TEST_CASE("WorkerPool: every job comes back once, after its last step", "[workerpool]")
{
    constexpr std::size_t kJobs = 200;
    const unsigned threads = GENERATE(0U, 1U, 4U);
    Diary steps;
    Diary done;
    {
        WorkerPool pool(threads, [&](JobPtr back) { done.write(back ? "back" : "null"); });
        for (std::size_t i = 0; i < kJobs; ++i)
        {
            const JobWeight weight = i % 3 == 0 ? JobWeight::Heavy : JobWeight::Light;
            pool.submit(job(steps, "step", weight, 2));
        }
        const auto lines = done.read(kJobs);
        CHECK(std::count(lines.begin(), lines.end(), "back") == kJobs);
    }
    CHECK(done.read(kJobs).size() == kJobs);
    CHECK(steps.read(2 * kJobs).size() == 2 * kJobs);
}

TEST_CASE("WorkerPool: a job may be submitted from where another one ended", "[workerpool]")
{
    Diary diary;
    WorkerPool* self = nullptr;
    int left = 5;
    WorkerPool pool(1, [&](JobPtr) {
        diary.write("done");
        if (--left > 0)
        {
            self->submit(job(diary, "step", JobWeight::Light, 1));
        }
    });
    self = &pool;
    pool.submit(job(diary, "step", JobWeight::Light, 1));

    CHECK(diary.read(10).size() == 10);
}

TEST_CASE("WorkerPool: at the end the current step is finished and what waits is dropped",
          "[workerpool]")
{
    Diary diary;
    {
        WorkerPool pool(1, [&](JobPtr) {});
        pool.submit(job(diary, "endless", JobWeight::Heavy, 1 << 30));
        pool.submit(job(diary, "waiting", JobWeight::Heavy, 1 << 30));
        diary.read(2);
    }
    CHECK(diary.read(2).size() >= 2);
}

TEST_CASE("WorkerPool: there are one to four threads by default", "[workerpool]")
{
    CHECK(WorkerPool::defaultThreads() >= 1);
    CHECK(WorkerPool::defaultThreads() <= 4);
}
