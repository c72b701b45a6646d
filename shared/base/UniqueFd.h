// Owner of one file descriptor.

#pragma once

#include <unistd.h>

#include <utility>

namespace tidewire {

/// Closes its descriptor when it goes; -1 means that it owns none.
class UniqueFd
{
public:
    UniqueFd() = default;
    explicit UniqueFd(int fd): _fd(fd) {}
    ~UniqueFd() { reset(); }

    UniqueFd(UniqueFd&& other) noexcept: _fd(std::exchange(other._fd, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept
    {
        if (this != &other)
        {
            reset(std::exchange(other._fd, -1));
        }
        return *this;
    }
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;

    [[nodiscard]] int get() const { return _fd; }
    explicit operator bool() const { return _fd >= 0; }
    int release() { return std::exchange(_fd, -1); }

    void reset(int fd = -1)
    {
        if (_fd >= 0)
        {
            ::close(_fd);
        }
        _fd = fd;
    }

private:
    int _fd = -1;
};

} // namespace tidewire
