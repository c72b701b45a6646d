// What the daemons have in common: arguments, signals, exit codes.

#include "shared/daemon/Daemon.h"

#include "shared/base/Errors.h"
#include "shared/base/Version.h"
#include "shared/daemon/TextMatch.h"

#include <Poco/Logger.h>

#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <stdexcept>

namespace tidewire {

namespace {

const char* const kUsage = " --config FILE [--check] [--verbose]\n"
                           "\n"
                           "  --config FILE  read the configuration from FILE\n"
                           "  --check        report every fault of the configuration and exit\n"
                           "  --verbose      log what is done in detail\n"
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

int awaitSignal()
{
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT})
    {
        ::sigaddset(&signals, number);
    }
    int number = 0;
    const int code = ::sigwait(&signals, &number);
    return code == 0 ? number : SIGTERM;
}

/// Logs `text` line by line: a ConfigError has one line for each fault.
void logLines(const std::string& prefix, const std::string& text)
{
    Poco::Logger& log = Poco::Logger::root();
    std::string_view rest = text;
    while (!rest.empty())
    {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        log.error(prefix + std::string(rest.substr(0, end)));
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
                 word == "--verbose")
        {
            arguments.check |= word == "--check";
            arguments.version |= word == "--version";
            arguments.help |= word == "--help" || word == "-h";
            arguments.verbose |= word == "--verbose";
        }
        else
        {
            throw Error(
                "unknown argument " + printable(word) +
                suggestion(word, {"--config", "--check", "--version", "--help", "--verbose"}));
        }
    }
    if (arguments.config.empty() && !arguments.version && !arguments.help)
    {
        throw Error("--config FILE is missing");
    }
    return arguments;
}

namespace {

/// No other thread exists yet.
void configureHeap()
{
    // Each further arena costs memory, and a small board has few cores.
    ::mallopt(M_ARENA_MAX, 2); // NOLINT(concurrency-mt-unsafe)
    // Frames come and go by the thousand: pages that were given back for each of them would be cleared by the kernel for the next.
    ::mallopt(M_MMAP_THRESHOLD, 1 << 20); // NOLINT(concurrency-mt-unsafe)
    ::mallopt(M_TRIM_THRESHOLD, 4 << 20); // NOLINT(concurrency-mt-unsafe)
}

} // namespace

int Daemon::run(int argc, const char* const* argv)
{
    blockSignals();
    configureHeap();
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
    setupLog(arguments.verbose ? LogLevel::Debug : LogLevel::Info);
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
        awaitEnd(arguments);
    }
    catch (const ConfigError& error)
    {
        logLines("", error.what());
        code = ExitCode::Config;
    }
    catch (const std::exception& error)
    {
        logLines("", error.what());
        code = ExitCode::Failed;
    }
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
        if (awaitSignal() != SIGHUP)
        {
            return;
        }
        reloadFrom(arguments);
    }
}

void Daemon::reloadFrom(const DaemonArguments& arguments)
{
    try
    {
        load(arguments.config);
    }
    catch (const ConfigError& error)
    {
        logLines("not reloaded: ", error.what());
        return;
    }
    applyLogLevel(arguments);
    reload();
    Poco::Logger::root().information("the configuration was read again");
}

void Daemon::applyLogLevel(const DaemonArguments& arguments) const
{
    setupLog(arguments.verbose ? LogLevel::Debug : logLevel());
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
