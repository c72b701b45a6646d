// What happened in a simulation, for the person who looks into a failure.

#pragma once

#include "shared/wire/Messages.h"

#include <deque>
#include <stdexcept>
#include <string>

namespace tidewire {

/// A promise of the system was broken.
class SimFailure: public std::runtime_error
{
public:
    using std::runtime_error::runtime_error;
};

/// The latest lines. With TIDEWIRE_SIM_TRACE set in the environment every line goes to stderr at once.
///
/// Memory: kMaxLines.
class SimTrace
{
public:
    static constexpr std::size_t kMaxLines = 400;

    SimTrace();

    void add(const std::string& who, const std::string& what);

    /// All that is kept, oldest first.
    [[nodiscard]] std::string text() const;

private:
    const bool _isLoud;
    std::deque<std::string> _lines;
};

/// A message in one line.
[[nodiscard]] std::string describe(const Message& message);

} // namespace tidewire
