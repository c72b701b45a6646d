// What the daemons have in common: arguments, signals, exit codes.

#pragma once

#include "shared/daemon/Log.h"
#include "shared/daemon/Notify.h"
#include "shared/daemon/Pulse.h"

#include <mutex>
#include <span>
#include <string>

namespace tidewire {

/// Exit codes, as sysexits.h has them.
enum class ExitCode : int
{
    Ok = 0,
    Failed = 1,
    Usage = 64,
    Config = 78,
};

/// What the command line of a daemon asks for.
struct DaemonArguments
{
    std::string config;
    bool check = false;
    bool version = false;
    bool help = false;
    bool verbose = false;
    bool syslog = false;
};

/// Understands the words after the program's name. Error with a text for people when they make no
/// sense. `config` is set unless version or help is.
[[nodiscard]] DaemonArguments parseDaemonArguments(std::span<const char* const> words);

/// A program that stays in the foreground until a signal ends it.
///
/// run() blocks the signals before any thread exists, so that all threads inherit the mask; then it
/// calls load(), start(), waits for signals, and calls stop(). SIGHUP: load() of the file anew, then
/// reload(). SIGTERM, SIGINT, SIGQUIT: the end. A service manager that listens is told of all that, and
/// now and then by pulse() of how it goes.
///
/// Thread: run() and all virtual functions on the main thread; fail() on any.
class Daemon
{
public:
    /// `ownUsage`: lines for --help on options that the program itself understands.
    explicit Daemon(std::string program, std::string ownUsage = {}):
        _program(std::move(program)),
        _ownUsage(std::move(ownUsage))
    {
    }
    virtual ~Daemon() = default;
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    /// The whole life of the process; the exit code of main().
    [[nodiscard]] int run(int argc, const char* const* argv);

    /// Ends the program with exit code 1 and this one line; the first reason counts.
    void fail(const std::string& reason);

protected:
    /// Reads `file` and keeps the result for start() or reload(). ConfigError with all faults;
    /// nothing else has changed then.
    virtual void load(const std::string& file) = 0;

    /// The level that the configuration of the last load() asks for.
    [[nodiscard]] virtual LogLevel logLevel() const = 0;

    /// Takes up work in threads of its own. What it throws ends the program.
    virtual void start() = 0;

    /// Takes over what can be taken over of the last load().
    virtual void reload() = 0;

    /// Ends the work and all threads. Also called when start() threw.
    virtual void stop() = 0;

    /// Has each thread that does the work hold `heartbeat` until it has come to it; one of them says
    /// what the program does. Only when a service manager listens, between start() and stop().
    virtual void pulse(const HeartbeatPtr& heartbeat) = 0;

private:
    [[nodiscard]] ExitCode serve(const DaemonArguments& arguments);
    void awaitEnd(const DaemonArguments& arguments);
    [[nodiscard]] std::string reloadFrom(const DaemonArguments& arguments);
    void applyLogLevel(const DaemonArguments& arguments) const;

    const std::string _program;
    const std::string _ownUsage;

    // Owned by run().
    Notify _notify;
    Pulse _pulse{_notify};

    // Guarded by _mutex.
    std::mutex _mutex;
    std::string _failure;
};

} // namespace tidewire
