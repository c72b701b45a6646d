// A named thread with one place that catches what it throws.

#pragma once

#include <functional>
#include <string>
#include <thread>

namespace tidewire {

/// Runs a function in a thread of its own; the only place that makes threads.
///
/// What the function throws is a fault of ours or a disk that is gone: it is handed to `onFailure`
/// (on that thread), which ends the program in order.
///
/// Thread: one owner. The function itself must be told to end before the destructor, which joins.
class Worker
{
public:
    using Body = std::function<void()>;
    using FailureHandler = std::function<void(const std::string& reason)>;

    /// `name` shows in ps and top; at most 15 bytes of it.
    Worker(const std::string& name, Body body, FailureHandler onFailure);
    ~Worker() { join(); }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Waits for the end of the function.
    void join();

private:
    std::thread _thread;
};

} // namespace tidewire
