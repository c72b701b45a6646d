// LogEvent and JournalChannel: what the journal gets beside the text.

#include "shared/daemon/LogEvent.h"

#include "shared/daemon/JournalChannel.h"
#include "tests/support/DatagramSocket.h"
#include "tests/support/LogLines.h"
#include "tests/support/TempFolder.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <set>
#include <sstream>

using namespace tidewire;
using Catch::Matchers::Contains;

namespace {

/// What a line of `fields` is as a datagram.
std::string datagramOf(const std::string& text, const LogFields& fields)
{
    const TempFolder folder;
    const DatagramSocket journal(folder / "journal");
    Poco::Logger& log = Poco::Logger::get("test.journal");
    log.setChannel(JournalChannel::open("tidewire-agent", folder / "journal"));
    logWith(log, Poco::Message::PRIO_WARNING, text, fields);
    log.setChannel(nullptr);
    return journal.take();
}

std::string catalog()
{
    std::ifstream file(TIDEWIRE_SOURCE_DIR "/systemd/tidewire.catalog");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

} // namespace

TEST_CASE("JournalChannel: a line comes with its fields", "[log]")
{
    const std::string datagram =
        datagramOf("photos: a.jpg was changed here and elsewhere",
                   {.event = LogEvent::ConflictKept, .share = "photos", .path = "a.jpg", .seq = 7});

    CHECK(datagram == "MESSAGE=photos: a.jpg was changed here and elsewhere\n"
                      "PRIORITY=4\n"
                      "SYSLOG_IDENTIFIER=tidewire-agent\n"
                      "TIDEWIRE_COMPONENT=test.journal\n"
                      "MESSAGE_ID=" +
                          std::string(messageId(LogEvent::ConflictKept)) +
                          "\n"
                          "TIDEWIRE_SHARE=photos\n"
                          "TIDEWIRE_PATH=a.jpg\n"
                          "TIDEWIRE_SEQ=7\n");
}

TEST_CASE("JournalChannel: what is empty is left out", "[log]")
{
    const std::string datagram = datagramOf("text", {});

    CHECK_THAT(datagram, !Contains("MESSAGE_ID") && !Contains("TIDEWIRE_SHARE"));
}

TEST_CASE("JournalChannel: neither text nor path can forge a field", "[log]")
{
    const std::string datagram =
        datagramOf("text\nPRIORITY=0", {.path = "name\nTIDEWIRE_SHARE=other"});

    CHECK_THAT(datagram, Contains("MESSAGE=text\\x0aPRIORITY=0\n"));
    CHECK_THAT(datagram,
               Contains(std::string(
                   "\nTIDEWIRE_PATH\n\x19\0\0\0\0\0\0\0name\nTIDEWIRE_SHARE=other\n", 49)));
}

TEST_CASE("JournalChannel: there is none without a journal", "[log]")
{
    const TempFolder folder;

    CHECK(JournalChannel::open("tidewire-agent", folder / "missing").isNull());
    CHECK(JournalChannel::open("tidewire-agent", std::string(200, 'x')).isNull());
}

TEST_CASE("logWith: a line below the level is not written", "[log]")
{
    const LogLines lines("test.level");
    Poco::Logger& log = Poco::Logger::get("test.level");
    log.setLevel(Poco::Message::PRIO_WARNING);

    logWith(log, Poco::Message::PRIO_INFORMATION, "little", {.share = "photos"});
    logWith(log, Poco::Message::PRIO_WARNING, "much", {.share = "photos"});

    CHECK(lines.count("little", Poco::Message::PRIO_TRACE) == 0);
    CHECK(lines.count("much") == 1);
}

TEST_CASE("LogEvent: every kind has an id of its own", "[log]")
{
    std::set<std::string_view> ids;
    for (std::size_t i = 1; i < kLogEvents; ++i)
    {
        const std::string_view id = messageId(static_cast<LogEvent>(i));
        const bool isId =
            id.size() == 32 && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
        CHECK(isId);
        CHECK(ids.insert(id).second);
    }
    CHECK(messageId(LogEvent::Other).empty());
}

TEST_CASE("LogEvent: every kind has an entry in the catalogue", "[log]")
{
    const std::string text = catalog();
    REQUIRE_FALSE(text.empty());
    for (std::size_t i = 1; i < kLogEvents; ++i)
    {
        const std::string id(messageId(static_cast<LogEvent>(i)));
        CHECK_THAT(text, Contains("-- " + id + "\nSubject: "));
    }
}
