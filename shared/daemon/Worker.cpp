// A named thread with one place that catches what it throws.

#include "shared/daemon/Worker.h"

#include <pthread.h>

#include <exception>

namespace tidewire {

namespace {

constexpr std::size_t kMaxNameBytes = 15; // pthread_setname_np(3)

} // namespace

Worker::Worker(const std::string& name, Body body, FailureHandler onFailure):
    _thread([name, body = std::move(body), onFailure = std::move(onFailure)] {
        ::pthread_setname_np(::pthread_self(), name.substr(0, kMaxNameBytes).c_str());
        try
        {
            body();
        }
        catch (const std::exception& error)
        {
            onFailure(name + ": " + error.what());
        }
    })
{
}

void Worker::join()
{
    if (_thread.joinable())
    {
        _thread.join();
    }
}

} // namespace tidewire
