// HostPort: addresses as they stand in a configuration.

#include "shared/net/HostPort.h"

#include <catch2/catch.hpp>

using namespace tidewire;

TEST_CASE("HostPort: each way to write an address is understood", "[hostport]")
{
    const auto [text, expected] = GENERATE(table<std::string, HostPort>({
        {"relay.example.org:7421", {"relay.example.org", 7421}},
        {"relay", {"relay", 7420}},
        {"10.0.0.1:1", {"10.0.0.1", 1}},
        {"[::]:65535", {"::", 65535}},
        {"[fe80::1%eth0]", {"fe80::1%eth0", 7420}},
    }));
    CAPTURE(text);

    CHECK(parseHostPort(text) == expected);
}

TEST_CASE("HostPort: what is no address is refused", "[hostport]")
{
    const auto text = GENERATE(as<std::string>{},
                               "",
                               ":7420",
                               "host:",
                               "host:0",
                               "host:65536",
                               "host:-1",
                               "host:7420x",
                               "host: 7420",
                               "::1",
                               "[::1",
                               "[::1]7420",
                               "[]:7420",
                               "a b:1",
                               "host/path:1",
                               std::string("ho\0st:1", 7),
                               std::string(254, 'a'));
    CAPTURE(text);

    CHECK_FALSE(parseHostPort(text));
}

TEST_CASE("HostPort: text() gives back what parseHostPort() reads", "[hostport]")
{
    const auto address = GENERATE(HostPort{"relay", 1}, HostPort{"::1", 7420});

    CHECK(parseHostPort(address.text()) == address);
}

TEST_CASE("HostPort: a plain name can be the name of a folder", "[hostport]")
{
    CHECK(isPlainName("photos"));
    CHECK(isPlainName("A-b_c.9"));
    CHECK(isPlainName(std::string(64, 'x')));
    const auto bad = GENERATE(as<std::string>{},
                              "",
                              ".",
                              "..",
                              ".hidden",
                              "a/b",
                              "a b",
                              "ä",
                              "a\n",
                              std::string("a\0b", 3),
                              std::string(65, 'x'));
    CAPTURE(bad);
    CHECK_FALSE(isPlainName(bad));
}
