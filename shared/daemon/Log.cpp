// Where log lines go: stderr, the journal or syslog.

#include "shared/daemon/Log.h"

#include "shared/daemon/JournalChannel.h"

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/DateTimeFormatter.h>
#include <Poco/Logger.h>

#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <cstdlib>

namespace tidewire {

namespace {

const char* levelWord(Poco::Message::Priority priority)
{
    switch (syslogPriority(priority))
    {
    case LOG_CRIT:
    case LOG_ERR:
        return "error";
    case LOG_WARNING:
        return "warning";
    case LOG_NOTICE:
    case LOG_INFO:
        return "info";
    default:
        return "debug";
    }
}

Poco::Message::Priority priorityOf(LogLevel level)
{
    switch (level)
    {
    case LogLevel::Error:
        return Poco::Message::PRIO_ERROR;
    case LogLevel::Warning:
        return Poco::Message::PRIO_WARNING;
    case LogLevel::Info:
        return Poco::Message::PRIO_INFORMATION;
    case LogLevel::Debug:
        break;
    }
    return Poco::Message::PRIO_TRACE;
}

/// True when stderr is the very stream that systemd connected to the journal (systemd.exec(5)).
bool isJournalStream()
{
    // Called from main() before there are other threads.
    const char* stream = std::getenv("JOURNAL_STREAM"); // NOLINT(concurrency-mt-unsafe)
    struct stat status = {};
    return stream != nullptr && ::fstat(STDERR_FILENO, &status) == 0 &&
           stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

/// Writes each message to stderr at once.
class StderrChannel: public Poco::Channel
{
public:
    explicit StderrChannel(LogForm form): _form(form) {}

    void log(const Poco::Message& message) override
    {
        const std::string line = formatLogLine(message, _form);
        // Nobody is left to be told when stderr fails.
        static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
    }

private:
    const LogForm _form;
};

/// Hands each message to syslog(3).
class SyslogChannel: public Poco::Channel
{
public:
    explicit SyslogChannel(std::string program): _program(std::move(program))
    {
        // The name is kept, not copied.
        ::openlog(_program.c_str(), LOG_PID, LOG_DAEMON);
    }

    void log(const Poco::Message& message) override
    {
        ::syslog(syslogPriority(message.getPriority()),
                 "%s: %s",
                 message.getSource().c_str(),
                 visibleText(message.getText()).c_str());
    }

private:
    const std::string _program;
};

Poco::AutoPtr<Poco::Channel> makeChannel(const std::string& program, LogTarget target)
{
    if (target == LogTarget::Syslog)
    {
        return new SyslogChannel(program);
    }
    if (!isJournalStream())
    {
        return new StderrChannel(LogForm::Dated);
    }
    if (const Poco::AutoPtr<JournalChannel> journal = JournalChannel::open(program))
    {
        return journal;
    }
    return new StderrChannel(LogForm::Journal);
}

} // namespace

int syslogPriority(Poco::Message::Priority priority)
{
    switch (priority)
    {
    case Poco::Message::PRIO_FATAL:
    case Poco::Message::PRIO_CRITICAL:
        return LOG_CRIT; // the two above it are for the machine as a whole, and go to every terminal
    case Poco::Message::PRIO_ERROR:
        return LOG_ERR;
    case Poco::Message::PRIO_WARNING:
        return LOG_WARNING;
    case Poco::Message::PRIO_NOTICE:
        return LOG_NOTICE;
    case Poco::Message::PRIO_INFORMATION:
        return LOG_INFO;
    default:
        return LOG_DEBUG;
    }
}

std::string visibleText(const std::string& text)
{
    static constexpr char kHex[] = "0123456789abcdef";
    std::string visible;
    visible.reserve(text.size());
    for (const char c : text)
    {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7F)
        {
            visible += "\\x";
            visible += kHex[byte >> 4U];
            visible += kHex[byte & 15U];
        }
        else
        {
            visible += c;
        }
    }
    return visible;
}

std::string formatLogLine(const Poco::Message& message, LogForm form)
{
    std::string line;
    if (form == LogForm::Journal)
    {
        line += '<';
        line += std::to_string(syslogPriority(message.getPriority()));
        line += '>';
    }
    else
    {
        line = Poco::DateTimeFormatter::format(message.getTime(), "%Y-%m-%dT%H:%M:%S.%iZ ") +
               levelWord(message.getPriority()) + " ";
    }
    if (!message.getSource().empty())
    {
        line += message.getSource() + ": ";
    }
    line += visibleText(message.getText());
    line += '\n';
    return line;
}

void setupLog(const std::string& program, LogTarget target)
{
    // Loggers inherit from the root logger when they are made; it must exist to be set up.
    static_cast<void>(Poco::Logger::root());
    Poco::Logger::setChannel("", makeChannel(program, target));
}

void setLogLevel(LogLevel level)
{
    Poco::Logger::setLevel("", priorityOf(level));
}

} // namespace tidewire
