// What is written to one of the loggers, so that a test can count it.

#pragma once

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/Logger.h>
#include <Poco/Message.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tidewire {

/// Takes the lines of a logger for as long as it lives.
class LogLines
{
public:
    explicit LogLines(const std::string& logger):
        _logger(Poco::Logger::get(logger)),
        _before(_logger.getChannel()),
        _taker(new Taker)
    {
        _logger.setChannel(_taker);
    }

    ~LogLines() { _logger.setChannel(_before); }

    LogLines(const LogLines&) = delete;
    LogLines& operator=(const LogLines&) = delete;

    /// Lines of that weight or a greater one that hold `part`.
    [[nodiscard]] std::size_t
    count(std::string_view part, Poco::Message::Priority least = Poco::Message::PRIO_WARNING) const
    {
        return static_cast<std::size_t>(std::count_if(
            _taker->lines.begin(), _taker->lines.end(), [&](const Poco::Message& line) {
                return line.getPriority() <= least &&
                       line.getText().find(part) != std::string::npos;
            }));
    }

    /// All warnings and errors, for a failure's text.
    [[nodiscard]] std::string text() const
    {
        std::string all;
        for (const Poco::Message& line : _taker->lines)
        {
            all += line.getPriority() <= Poco::Message::PRIO_WARNING ? line.getText() + "\n" : "";
        }
        return all;
    }

private:
    struct Taker: public Poco::Channel
    {
        void log(const Poco::Message& message) override { lines.push_back(message); }
        std::vector<Poco::Message> lines;
    };

    Poco::Logger& _logger;
    Poco::AutoPtr<Poco::Channel> _before;
    Poco::AutoPtr<Taker> _taker;
};

} // namespace tidewire
