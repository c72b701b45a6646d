// What the daemons have in common: arguments, signals, exit codes.

#include "shared/daemon/Daemon.h"

#include "shared/base/Errors.h"
#include "shared/base/Version.h"
#include "shared/daemon/LogEvent.h"
#include "shared/daemon/TextMatch.h"

#include <Poco/Logger.h>

#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <iostream>
#include <optional>
#include <stdexcept>

namespace tidewire {

namespace {

const char* const kUsage = " --config FILE [--check] [--verbose] [--syslog]\n"
                           "\n"
                           "  --config FILE  read the configuration from FILE\n"
                           "  --check        report every fault of the configuration and exit\n"
                           "  --verbose      log what is done in detail\n"
                           "  --syslog       log to syslog(3) instead of stderr\n"
                           "  --version      print the version and exit\n"
                           "  --help         print this and exit\n";

/// Blocks what sigwait() is to get, and what must not end the process. POCO's threads block only
/// some of these by themselves, hence before any thread.
void blockSignals()
{
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGIO})
    {
        ::sigaddset(&signals, number);
    }
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

/// The next signal; 0 when none has come within `longest`.
int awaitSignal(std::optional<SteadyTime> longest)
{
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT})
    {
        ::sigaddset(&signals, number);
    }
    for (;;)
    {
        timespec wait = {};
        if (longest)
        {
            const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*longest);
            wait.tv_sec = static_cast<time_t>(seconds.count());
            wait.tv_nsec = static_cast<long>(std::chrono::nanoseconds(*longest - seconds).count());
        }
        const int number =
            longest ? ::sigtimedwait(&signals, nullptr, &wait) : ::sigwaitinfo(&signals, nullptr);
        if (number > 0)
        {
            return number;
        }
        if (errno == EAGAIN)
        {
            return 0;
        }
        if (errno != EINTR)
        {
            return SIGTERM;
        }
    }
}

/// Logs `text` line by line: a ConfigError has one line for each fault.
void logLines(const std::string& prefix, const std::string& text, LogEvent event = LogEvent::Other)
{
    std::string_view rest = text;
    while (!rest.empty())
    {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        logWith(Poco::Logger::root(),
                Poco::Message::PRIO_ERROR,
                prefix + std::string(rest.substr(0, end)),
                {.event = event});
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
}

} // namespace

DaemonArguments parseDaemonArguments(std::span<const char* const> words)
{
    DaemonArguments arguments;
    for (std::size_t i = 0; i < words.size(); ++i)
    {
        const std::string_view word = words[i];
        constexpr std::string_view kConfig = "--config";
        if (word == kConfig || word.starts_with("--config="))
        {
            const bool inNext = word == kConfig;
            if (inNext && i + 1 == words.size())
            {
                throw Error("--config needs a file name after it");
            }
            arguments.config = inNext ? words[++i] : word.substr(kConfig.size() + 1);
            if (arguments.config.empty())
            {
                throw Error("--config needs a file name");
            }
        }
        else if (word == "--check" || word == "--version" || word == "--help" || word == "-h" ||
                 word == "--verbose" || word == "--syslog")
        {
            arguments.check |= word == "--check";
            arguments.version |= word == "--version";
            arguments.help |= word == "--help" || word == "-h";
            arguments.verbose |= word == "--verbose";
            arguments.syslog |= word == "--syslog";
        }
        else
        {
            throw Error(
                "unknown argument " + printable(word) +
                suggestion(
                    word, {"--config", "--check", "--version", "--help", "--verbose", "--syslog"}));
        }
    }
    if (arguments.config.empty() && !arguments.version && !arguments.help)
    {
        throw Error("--config FILE is missing");
    }
    return arguments;
}

int Daemon::run(int argc, const char* const* argv)
{
    blockSignals();
    // Each further arena costs memory, and a small board has few cores. No other thread exists yet.
    ::mallopt(M_ARENA_MAX, 2); // NOLINT(concurrency-mt-unsafe)
    // State is nobody else's. What belongs to the shares gets exactly its modes, whatever this says.
    ::umask(S_IRWXG | S_IRWXO);
    DaemonArguments arguments;
    try
    {
        const std::size_t count = argc > 0 ? static_cast<std::size_t>(argc) - 1 : 0;
        arguments = parseDaemonArguments({argv + (argc > 0 ? 1 : 0), count});
    }
    catch (const Error& error)
    {
        std::cerr << _program << ": " << error.what() << "\nusage: " << _program << kUsage
                  << _ownUsage;
        return static_cast<int>(ExitCode::Usage);
    }
    if (arguments.help || arguments.version)
    {
        if (arguments.help)
        {
            std::cout << "usage: " << _program << kUsage << _ownUsage;
        }
        else
        {
            std::cout << _program << " " << kVersion << "\n";
        }
        std::cout.flush();
        return static_cast<int>(std::cout.good() ? ExitCode::Ok : ExitCode::Failed);
    }
    return static_cast<int>(serve(arguments));
}

ExitCode Daemon::serve(const DaemonArguments& arguments)
{
    setupLog(_program, arguments.syslog ? LogTarget::Syslog : LogTarget::Stderr);
    setLogLevel(arguments.verbose ? LogLevel::Debug : LogLevel::Info);
    ExitCode code = ExitCode::Ok;
    bool started = false;
    try
    {
        load(arguments.config);
        if (arguments.check)
        {
            std::cout << arguments.config << ": no faults" << std::endl;
            return ExitCode::Ok;
        }
        applyLogLevel(arguments);
        started = true;
        start();
        _notify.ready("running");
        awaitEnd(arguments);
    }
    catch (const ConfigError& error)
    {
        logLines("", error.what(), LogEvent::ConfigRejected);
        code = ExitCode::Config;
    }
    catch (const std::exception& error)
    {
        logLines("", error.what());
        code = ExitCode::Failed;
    }
    _notify.stopping();
    if (started)
    {
        stop();
    }
    const std::lock_guard lock(_mutex);
    if (!_failure.empty())
    {
        logLines("", _failure);
        code = ExitCode::Failed;
    }
    return code;
}

void Daemon::awaitEnd(const DaemonArguments& arguments)
{
    for (;;)
    {
        std::optional<SteadyTime> longest;
        if (_notify.isHeard())
        {
            _pulse.beat([this](const HeartbeatPtr& heartbeat) { pulse(heartbeat); });
            longest = _pulse.interval();
        }
        switch (awaitSignal(longest))
        {
        case 0:
            break;
        case SIGHUP:
            _notify.reloading();
            _notify.ready(reloadFrom(arguments));
            break;
        default:
            return;
        }
    }
}

/// How it went, in words.
std::string Daemon::reloadFrom(const DaemonArguments& arguments)
{
    try
    {
        load(arguments.config);
    }
    catch (const ConfigError& error)
    {
        logLines("not reloaded: ", error.what(), LogEvent::ConfigRejected);
        return "running with the old configuration, the new one has faults";
    }
    applyLogLevel(arguments);
    reload();
    std::string done = "the configuration was read again";
    logWith(Poco::Logger::root(),
            Poco::Message::PRIO_INFORMATION,
            done,
            {.event = LogEvent::ConfigReloaded});
    return done;
}

void Daemon::applyLogLevel(const DaemonArguments& arguments) const
{
    setLogLevel(arguments.verbose ? LogLevel::Debug : logLevel());
}

void Daemon::fail(const std::string& reason)
{
    const std::lock_guard lock(_mutex);
    if (_failure.empty())
    {
        _failure = reason;
        static_cast<void>(::kill(::getpid(), SIGTERM));
    }
}

} // namespace tidewire
