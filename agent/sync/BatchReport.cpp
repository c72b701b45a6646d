#include "agent/sync/BatchReport.h"

#include <algorithm>

namespace tidewire {

void BatchReport::add(std::size_t sent,
                      std::uint64_t sentBytes,
                      std::size_t applied,
                      SteadyTime now)
{
    if (sent == 0 && applied == 0)
    {
        return;
    }
    if (_sent == 0 && _applied == 0)
    {
        _first = now;
    }
    _last = now;
    _sent += sent;
    _sentBytes += sentBytes;
    _applied += applied;
}

std::optional<SteadyTime> BatchReport::nextDue() const
{
    if (_sent == 0 && _applied == 0)
    {
        return std::nullopt;
    }
    return std::min(_last + kQuiet, _first + kLongest);
}

std::optional<std::string> BatchReport::take(SteadyTime now)
{
    const auto due = nextDue();
    if (!due || now < *due)
    {
        return std::nullopt;
    }
    std::string line;
    if (_sent > 0)
    {
        line = "sent " + std::to_string(_sent) + (_sent == 1 ? " change, " : " changes, ") +
               std::to_string(_sentBytes) + " bytes of content";
    }
    if (_applied > 0)
    {
        line += line.empty() ? "" : "; ";
        line += "applied " + std::to_string(_applied) + (_applied == 1 ? " change" : " changes");
    }
    *this = BatchReport();
    return line;
}

} // namespace tidewire
