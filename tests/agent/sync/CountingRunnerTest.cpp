// CountingRunner: a job counts from submit() to finish().

#include "agent/sync/CountingRunner.h"

#include "tests/agent/sync/SyncFixture.h"

#include <catch2/catch.hpp>

#include <functional>

using namespace tidewire;

namespace {

class SomeJob: public Job
{
public:
    SomeJob(JobWeight weight, int steps, std::function<void(JobPtr)> done):
        _weight(weight),
        _steps(steps),
        _done(std::move(done))
    {
    }

    [[nodiscard]] JobWeight weight() const override { return _weight; }
    bool step() override { return --_steps > 0; }
    void finish(JobPtr self) override
    {
        const auto done = _done;
        done(std::move(self));
    }

private:
    const JobWeight _weight;
    int _steps;
    const std::function<void(JobPtr)> _done;
};

} // namespace

TEST_CASE("CountingRunner: jobs are out until they come back", "[countingrunner]")
{
    ManualRunner inner;
    CountingRunner runner(inner);
    int finished = 0;
    const auto done = [&](JobPtr) {
        ++finished;
    };
    runner.submit(std::make_unique<SomeJob>(JobWeight::Light, 3, done));
    runner.submit(std::make_unique<SomeJob>(JobWeight::Heavy, 1, done));
    CHECK(runner.count() == 2);

    inner.runOne();
    CHECK(runner.count() == 1);
    CHECK(finished == 1);
    inner.runOne();
    CHECK(runner.count() == 0);
    CHECK(finished == 2);
}

TEST_CASE("CountingRunner: weight and steps are those of the job", "[countingrunner]")
{
    ManualRunner inner;
    CountingRunner runner(inner);
    const JobWeight weight = GENERATE(JobWeight::Light, JobWeight::Heavy);
    runner.submit(std::make_unique<SomeJob>(weight, 2, [](JobPtr) {}));

    CHECK(inner.jobs.front()->weight() == weight);
    CHECK(inner.jobs.front()->step());
    CHECK_FALSE(inner.jobs.front()->step());
}

TEST_CASE("CountingRunner: the job gets itself back, and a job that is submitted anew counts anew",
          "[countingrunner]")
{
    ManualRunner inner;
    CountingRunner runner(inner);
    int rounds = 0;
    std::size_t during = 99;
    runner.submit(std::make_unique<SomeJob>(JobWeight::Light, 1, [&](JobPtr self) {
        during = runner.count();
        REQUIRE(dynamic_cast<SomeJob*>(self.get()) != nullptr);
        if (++rounds < 3)
        {
            runner.submit(std::move(self));
        }
    }));

    inner.runAll();

    CHECK(rounds == 3);
    CHECK(during == 0);
    CHECK(runner.count() == 0);
}

TEST_CASE("CountingRunner: jobs may outlive it", "[countingrunner]")
{
    ManualRunner inner;
    {
        CountingRunner runner(inner);
        runner.submit(std::make_unique<SomeJob>(JobWeight::Light, 1, [](JobPtr) {}));
    }

    CHECK(inner.runOne());
}
