// Watches folders with inotify(7).

#include "agent/watch/InotifyWatcher.h"

#include "agent/watch/RootPath.h"
#include "shared/base/Errors.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <utility>

namespace tidewire {

namespace {

constexpr std::size_t kBufferBytes = 65536;
constexpr std::size_t kLargestEvent = sizeof(inotify_event) + NAME_MAX + 1;
static_assert(kBufferBytes >= kLargestEvent);

int createWake()
{
    const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
    {
        throwErrno("eventfd", "");
    }
    return fd;
}

// Rounded up, so that the deadline has passed when poll(2) returns; -1 for none.
int pollTimeout(std::optional<SteadyTime> deadline, SteadyTime now)
{
    if (!deadline)
    {
        return -1;
    }
    if (*deadline <= now)
    {
        return 0;
    }
    constexpr std::int64_t kLongest = 3'600'000;
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*deadline - now).count();
    return static_cast<int>(std::min<std::int64_t>(wait, kLongest));
}

} // namespace

InotifyWatcher::InotifyWatcher(HintSink sink, const Clock& clock, const InotifyOptions& options):
    _sink(std::move(sink)),
    _clock(clock),
    _wake(createWake()),
    _mounts(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)),
    _port(options.budget),
    _tracker(_port, clock, options.tracker),
    _buffer(kBufferBytes)
{
    readMounts();
    _thread = std::thread([this] { run(); });
    ::pthread_setname_np(_thread.native_handle(), "tw-watch");
}

InotifyWatcher::~InotifyWatcher()
{
    {
        const std::scoped_lock lock(_mutex);
        _stopping = true;
    }
    wake();
    _thread.join();
}

void InotifyWatcher::add(WatchId id, const std::string& root, IgnorePredicate ignored)
{
    ask(id, [id, path = realRoot(root), ignored = std::move(ignored)](WatchTracker& tracker) {
        tracker.addRoot(id, path, ignored);
    });
}

void InotifyWatcher::remove(WatchId id)
{
    ask(id, [id](WatchTracker& tracker) { tracker.removeRoot(id); });
}

void InotifyWatcher::setIgnored(WatchId id, IgnorePredicate ignored)
{
    ask(id, [id, ignored = std::move(ignored)](WatchTracker& tracker) {
        tracker.setIgnored(id, ignored);
    });
}

WatchCoverage InotifyWatcher::coverage(WatchId id) const
{
    const std::scoped_lock lock(_mutex);
    const auto found = _coverage.find(id);
    return found == _coverage.end() ? WatchCoverage() : found->second;
}

void InotifyWatcher::ask(WatchId id, std::function<void(WatchTracker&)> action)
{
    Request request{id, std::move(action), std::nullopt, false};
    std::unique_lock lock(_mutex);
    _requests.push_back(&request);
    wake();
    _answered.wait(lock, [&] { return request.isDone; });
    if (request.error)
    {
        throw StorageError(*request.error);
    }
}

void InotifyWatcher::wake() const
{
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then the thread is awake.
    (void)!::write(_wake.get(), &one, sizeof one);
}

void InotifyWatcher::run()
{
    while (true)
    {
        bool events = false;
        bool mounts = false;
        waitForWork(events, mounts);
        {
            const std::scoped_lock lock(_mutex);
            if (_stopping)
            {
                return;
            }
        }
        if (mounts)
        {
            readMounts();
        }
        if (events)
        {
            readEvents();
        }
        else
        {
            _tracker.onDrained();
        }
        serveRequests();
        _tracker.step();
        // A hint may make its receiver ask for the coverage that belongs to it.
        publishCoverage();
        sendHints();
        answerRequests();
    }
}

void InotifyWatcher::waitForWork(bool& events, bool& mounts)
{
    std::array<pollfd, 3> files{
        {{_port.fd(), POLLIN, 0}, {_wake.get(), POLLIN, 0}, {_mounts.get(), POLLPRI, 0}}};
    const int timeout = pollTimeout(_tracker.deadline(), _clock.steady());
    if (::poll(files.data(), files.size(), timeout) < 0)
    {
        if (errno != EINTR)
        {
            throwErrno("poll", "inotify");
        }
        return;
    }
    if (files[1].revents != 0)
    {
        std::uint64_t count = 0;
        (void)!::read(_wake.get(), &count, sizeof count);
    }
    events = files[0].revents != 0;
    mounts = (files[2].revents & POLLPRI) != 0;
}

void InotifyWatcher::readEvents()
{
    const ByteView raw = _port.read(_buffer);
    _tracker.onEvents(raw);
    // A read stops early only where nothing is left.
    if (raw.size() + kLargestEvent <= _buffer.size())
    {
        _tracker.onDrained();
    }
}

void InotifyWatcher::readMounts()
{
    std::string text;
    while (_mounts)
    {
        const ssize_t count =
            ::pread(_mounts.get(), _buffer.data(), _buffer.size(), static_cast<off_t>(text.size()));
        if (count <= 0)
        {
            break;
        }
        text += asText(ByteView(_buffer).first(static_cast<std::size_t>(count)));
    }
    _tracker.onMounts(text);
}

void InotifyWatcher::serveRequests()
{
    std::vector<Request*> requests;
    {
        const std::scoped_lock lock(_mutex);
        requests.swap(_requests);
    }
    for (Request* request : requests)
    {
        try
        {
            request->action(_tracker);
            _served.push_back(request);
        }
        catch (const StorageError& error)
        {
            answer(*request, error);
        }
    }
}

void InotifyWatcher::sendHints()
{
    for (const Hint& hint : _tracker.takeHints())
    {
        _sink(hint);
    }
}

void InotifyWatcher::publishCoverage()
{
    const std::scoped_lock lock(_mutex);
    for (auto& [id, coverage] : _coverage)
    {
        coverage = _tracker.coverage(id);
    }
    for (const Request* request : _served)
    {
        _coverage[request->id] = _tracker.coverage(request->id);
    }
}

void InotifyWatcher::answerRequests()
{
    std::erase_if(_served, [&](Request* request) {
        const bool isComplete = _tracker.isComplete(request->id);
        if (isComplete)
        {
            answer(*request, std::nullopt);
        }
        return isComplete;
    });
}

void InotifyWatcher::answer(Request& request, std::optional<StorageError> error)
{
    const std::scoped_lock lock(_mutex);
    request.error = std::move(error);
    request.isDone = true;
    // With the lock held: the request is gone as soon as its caller can go on.
    _answered.notify_all();
}

} // namespace tidewire
