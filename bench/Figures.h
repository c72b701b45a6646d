// How the benches print: one figure a line, with its unit and what it must reach.

#pragma once

#include <string>
#include <vector>

namespace tidewire::bench {

/// Prints `name: value unit` and, unless the target is empty, `(target: ...)`.
void printFigure(const std::string& name,
                 double value,
                 const std::string& unit,
                 const std::string& target = "");

/// The value below which `share` (0..1) of the values lie; the values need not be in order.
[[nodiscard]] double percentile(std::vector<double> values, double share);

/// The number behind `--name` on the command line, or `standard`.
[[nodiscard]] unsigned option(int argc, char** argv, const std::string& name, unsigned standard);

/// Seconds of steady time since construction.
class Stopwatch
{
public:
    Stopwatch();
    [[nodiscard]] double seconds() const;

private:
    double _begin;
};

} // namespace tidewire::bench
