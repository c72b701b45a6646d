// Time that a test moves by hand.

#pragma once

#include "shared/base/Clock.h"

namespace tidewire {

class ManualClock: public Clock
{
public:
    [[nodiscard]] SteadyTime steady() const override { return _steady; }
    [[nodiscard]] std::int64_t wallSeconds() const override { return _wall; }

    void advance(SteadyTime by) { _steady += by; }
    void setWall(std::int64_t seconds) { _wall = seconds; }

private:
    SteadyTime _steady{0};
    std::int64_t _wall = 1700000000;
};

} // namespace tidewire
