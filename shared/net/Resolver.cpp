// Looks up a host name without blocking the thread that wants it.

#include "shared/net/Resolver.h"

#include <netdb.h>

#include <cstring>
#include <mutex>
#include <thread>

namespace tidewire {

namespace {

/// More addresses of one relay are not tried in one attempt.
constexpr std::size_t kMaxAddresses = 8;

Resolution lookUp(const HostPort& address, int flags)
{
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | flags;
    addrinfo* found = nullptr;
    Resolution result;
    const int code =
        ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
    if (code != 0)
    {
        result.problem = "the name cannot be looked up: " + std::string(::gai_strerror(code));
        return result;
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    for (const addrinfo* info = found; info != nullptr && result.addresses.size() < kMaxAddresses;
         info = info->ai_next)
    {
        SocketAddress one;
        std::memcpy(&one.storage, info->ai_addr, info->ai_addrlen);
        one.length = info->ai_addrlen;
        result.addresses.push_back(one);
    }
    return result;
}

} // namespace

struct Resolver::Job
{
    Wakeup done;

    // Guarded by mutex.
    std::mutex mutex;
    std::optional<Resolution> result;

    void finish(Resolution found)
    {
        const std::lock_guard lock(mutex);
        result = std::move(found);
        done.wake();
    }
};

Resolver::Resolver(const HostPort& address): _job(std::make_shared<Job>())
{
    Resolution numeric = lookUp(address, AI_NUMERICHOST);
    if (!numeric.addresses.empty())
    {
        _job->finish(std::move(numeric));
        return;
    }
    std::thread([job = _job, address] { job->finish(lookUp(address, AI_ADDRCONFIG)); }).detach();
}

int Resolver::fd() const
{
    return _job->done.fd();
}

std::optional<Resolution> Resolver::result() const
{
    const std::lock_guard lock(_job->mutex);
    return _job->result;
}

} // namespace tidewire
