// Log: the form of a line; RateLimit and RepeatFilter.

#include "shared/daemon/Log.h"

#include "shared/daemon/RateLimit.h"

#include <catch2/catch.hpp>

using namespace tidewire;
using namespace std::chrono_literals;

namespace {

Poco::Message message(const std::string& text, Poco::Message::Priority priority)
{
    Poco::Message result("relay.net", text, priority);
    result.setTime(Poco::Timestamp(1'700'000'000'123'000));
    return result;
}

} // namespace

TEST_CASE("Log: the journal gets the priority in front and no date", "[log]")
{
    const auto [priority, prefix] = GENERATE(table<Poco::Message::Priority, std::string>({
        {Poco::Message::PRIO_FATAL, "<2>"},
        {Poco::Message::PRIO_CRITICAL, "<2>"},
        {Poco::Message::PRIO_ERROR, "<3>"},
        {Poco::Message::PRIO_WARNING, "<4>"},
        {Poco::Message::PRIO_NOTICE, "<5>"},
        {Poco::Message::PRIO_INFORMATION, "<6>"},
        {Poco::Message::PRIO_DEBUG, "<7>"},
        {Poco::Message::PRIO_TRACE, "<7>"},
    }));

    CHECK(formatLogLine(message("text", priority), LogForm::Journal) ==
          prefix + "relay.net: text\n");
}

TEST_CASE("Log: people get date and level in front", "[log]")
{
    CHECK(formatLogLine(message("text", Poco::Message::PRIO_WARNING), LogForm::Dated) ==
          "2023-11-14T22:13:20.123Z warning relay.net: text\n");
}

TEST_CASE("Log: a text cannot forge a line", "[log]")
{
    CHECK(formatLogLine(message("a\n<0>b\x1b[0m\tc", Poco::Message::PRIO_ERROR),
                        LogForm::Journal) == "<3>relay.net: a\\x0a<0>b\\x1b[0m\\x09c\n");
}

TEST_CASE("RateLimit: one passes in each interval and the others are counted", "[log]")
{
    RateLimit limit(10s);
    CHECK(limit.pass(0s) == 0U);
    CHECK_FALSE(limit.pass(1s));
    CHECK_FALSE(limit.pass(9s));
    CHECK(limit.pass(10s) == 2U);
    CHECK_FALSE(limit.pass(19s));
    limit.reset();
    CHECK(limit.pass(19s) == 0U);
}

TEST_CASE("RepeatFilter: another text passes at once, the same one after the interval", "[log]")
{
    RepeatFilter filter(1h);
    CHECK(filter.pass("refused", 0s) == std::string("refused"));
    CHECK_FALSE(filter.pass("refused", 1s));
    CHECK(filter.pass("no route", 2s) == std::string("no route"));
    CHECK(filter.pass("refused", 3s) == std::string("refused"));
    CHECK_FALSE(filter.pass("refused", 4s));
    CHECK(filter.pass("refused", 3603s) == std::string("refused (and 1 times before)"));
    filter.reset();
    CHECK(filter.pass("refused", 3604s) == std::string("refused"));
}
