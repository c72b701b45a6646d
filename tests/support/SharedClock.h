// Time that a test moves by hand while other threads read it.

#pragma once

#include "shared/base/Clock.h"

#include <atomic>

namespace tidewire {

class SharedClock: public Clock
{
public:
    [[nodiscard]] SteadyTime steady() const override { return SteadyTime(_steady.load()); }
    [[nodiscard]] std::int64_t wallSeconds() const override { return 1700000000; }

    void advance(SteadyTime by) { _steady += by.count(); }

private:
    std::atomic<SteadyTime::rep> _steady{0};
};

} // namespace tidewire
