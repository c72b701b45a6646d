// How the benches print: one figure a line.

#include "bench/Figures.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <stdexcept>

namespace tidewire::bench {

namespace {

double now()
{
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(since).count();
}

} // namespace

void printFigure(const std::string& name,
                 double value,
                 const std::string& unit,
                 const std::string& target)
{
    std::printf("%s: %.2f %s%s%s%s\n",
                name.c_str(),
                value,
                unit.c_str(),
                target.empty() ? "" : " (target: ",
                target.c_str(),
                target.empty() ? "" : ")");
    std::fflush(stdout);
}

double percentile(std::vector<double> values, double share)
{
    if (values.empty())
    {
        throw std::invalid_argument("percentile of nothing");
    }
    std::sort(values.begin(), values.end());
    const double rank = std::ceil(share * static_cast<double>(values.size()));
    const auto position = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
    return values[std::min(position, values.size() - 1)];
}

unsigned option(int argc, char** argv, const std::string& name, unsigned standard)
{
    for (int i = 1; i + 1 < argc; ++i)
    {
        if (argv[i] == "--" + name)
        {
            return static_cast<unsigned>(std::stoul(argv[i + 1]));
        }
    }
    return standard;
}

Stopwatch::Stopwatch(): _begin(now()) {}

double Stopwatch::seconds() const
{
    return now() - _begin;
}

} // namespace tidewire::bench
