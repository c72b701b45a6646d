// Environment variables that a test sets, and that are as before afterwards.

#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace tidewire {

/// One variable. Before there are other threads.
class Environment
{
public:
    Environment(std::string name, const std::string& value): _name(std::move(name))
    {
        if (const char* before = std::getenv(_name.c_str())) // NOLINT(concurrency-mt-unsafe)
        {
            _before = before;
        }
        ::setenv(_name.c_str(), value.c_str(), 1); // NOLINT(concurrency-mt-unsafe)
    }
    ~Environment()
    {
        if (_before)
        {
            ::setenv(_name.c_str(), _before->c_str(), 1); // NOLINT(concurrency-mt-unsafe)
        }
        else
        {
            ::unsetenv(_name.c_str()); // NOLINT(concurrency-mt-unsafe)
        }
    }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

private:
    const std::string _name;
    std::optional<std::string> _before;
};

} // namespace tidewire
