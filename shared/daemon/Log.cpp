// Where log lines go: stderr.

#include "shared/daemon/Log.h"

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/DateTimeFormatter.h>
#include <Poco/Logger.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace tidewire {

namespace {

/// Priorities of syslog(3) for those of POCO. Its "fatal" is our "critical": 0 and 1 are for the
/// machine as a whole and go to every terminal.
int journalPriority(Poco::Message::Priority priority)
{
    switch (priority)
    {
    case Poco::Message::PRIO_FATAL:
    case Poco::Message::PRIO_CRITICAL:
        return 2;
    case Poco::Message::PRIO_ERROR:
        return 3;
    case Poco::Message::PRIO_WARNING:
        return 4;
    case Poco::Message::PRIO_NOTICE:
        return 5;
    case Poco::Message::PRIO_INFORMATION:
        return 6;
    default:
        return 7;
    }
}

const char* levelWord(Poco::Message::Priority priority)
{
    switch (journalPriority(priority))
    {
    case 2:
    case 3:
        return "error";
    case 4:
        return "warning";
    case 5:
    case 6:
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

void appendVisible(std::string& line, const std::string& text)
{
    static constexpr char kHex[] = "0123456789abcdef";
    for (const char c : text)
    {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7F)
        {
            line += "\\x";
            line += kHex[byte >> 4U];
            line += kHex[byte & 15U];
        }
        else
        {
            line += c;
        }
    }
}

} // namespace

std::string formatLogLine(const Poco::Message& message, LogForm form)
{
    std::string line;
    if (form == LogForm::Journal)
    {
        line += '<';
        line += std::to_string(journalPriority(message.getPriority()));
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
    appendVisible(line, message.getText());
    line += '\n';
    return line;
}

void setupLog(LogLevel level)
{
    const LogForm form = isJournalStream() ? LogForm::Journal : LogForm::Dated;
    const Poco::AutoPtr<StderrChannel> channel(new StderrChannel(form));
    // Loggers inherit from the root logger when they are made; it must exist to be set up.
    static_cast<void>(Poco::Logger::root());
    Poco::Logger::setChannel("", channel);
    Poco::Logger::setLevel("", priorityOf(level));
}

} // namespace tidewire
