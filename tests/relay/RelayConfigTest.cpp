// RelayConfig: defaults, faults, and the example.

#include "relay/RelayConfig.h"

#include "shared/base/Errors.h"
#include "tests/support/TempFolder.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <fstream>
#include <iterator>

using namespace tidewire;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

std::string faultsOf(const std::string& text)
{
    try
    {
        static_cast<void>(parseRelayConfig("relay.ini", text));
    }
    catch (const ConfigError& error)
    {
        return error.what();
    }
    return {};
}

void writeKey(const std::string& file)
{
    std::ofstream(file) << asText(privateKeyText(makeKeyPair().secret).bytes());
    REQUIRE(::chmod(file.c_str(), S_IRUSR | S_IWUSR) == 0);
}

} // namespace

TEST_CASE("RelayConfig: the least that works has the documented defaults", "[relayconfig]")
{
    const RelayConfig config = parseRelayConfig("relay.ini", "[relay]\nsecurity = none\n");

    RelayConfig expected;
    expected.listen = {{"0.0.0.0", 7420}};
    expected.state = "/var/lib/tidewire-relay";
    expected.key = "/etc/tidewire/relay.key";
    expected.security = Security::None;
    expected.retention = {24h * 30, 24h * 90};
    CHECK(config == expected);
}

TEST_CASE("RelayConfig: every key is taken over", "[relayconfig]")
{
    const RelayConfig config =
        parseRelayConfig("relay.ini",
                         "[relay]\n"
                         "listen = 127.0.0.1:7420, [::1]:7421\n"
                         "state = /data\n"
                         "key = /data/key\n"
                         "log = warning\n"
                         "security = none\n"
                         "history = 7d\n"
                         "tombstones = 60d\n"
                         "[share.photos]\n"
                         "history = 12h\n"
                         "[share.config]\n"
                         "tombstones = 30d\n"
                         "[agent.kitchen]\n"
                         "key = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=\n"
                         "shares = photos, config:ro\n");

    RelayConfig expected;
    expected.listen = {{"127.0.0.1", 7420}, {"::1", 7421}};
    expected.state = "/data";
    expected.key = "/data/key";
    expected.log = LogLevel::Warning;
    expected.security = Security::None;
    expected.retention = {24h * 7, 24h * 60};
    expected.shares = {{"photos", {12h, 24h * 60}}, {"config", {24h * 7, 24h * 30}}};
    PublicKey key{};
    key.back() = 1;
    expected.agents = {{"kitchen", {key, {{"photos", true}, {"config", false}}}}};
    CHECK(config == expected);
}

TEST_CASE("RelayConfig: encryption is the default, and the relay's key is needed for it",
          "[relayconfig]")
{
    const auto line = GENERATE(as<std::string>{}, "", "security = noise\n");
    CAPTURE(line);
    const TempFolder folder;
    const std::string text = "[relay]\nkey = " + (folder / "relay.key") + "\n" + line;

    CHECK_THAT(faultsOf(text),
               Contains("relay.ini:2: [relay] key: the key file") &&
                   Contains("tidewire genkey > " + (folder / "relay.key")) &&
                   Contains("\"security = none\""));

    writeKey(folder / "relay.key");
    const RelayConfig config = parseRelayConfig("relay.ini", text);
    CHECK(config.security == Security::Noise);
}

TEST_CASE("RelayConfig: every fault is told at once", "[relayconfig]")
{
    const std::string faults = faultsOf("[relay]\n"
                                        "listen = 0.0.0.0:7420, 0.0.0.0:7420, nowhere:x\n"
                                        "security = none\n"
                                        "history = 100d\n"
                                        "[share..]\n"
                                        "[share.a]\n"
                                        "tombstones = 1h\n"
                                        "[agent.x]\n"
                                        "key = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
                                        "shares = a, b, c:rw\n"
                                        "[agent.y]\n"
                                        "key = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
                                        "[agent.w]\n"
                                        "key = K\n"
                                        "[agents.z]\n");

    CHECK_THAT(faults, Contains("relay.ini:2: [relay] listen: 0.0.0.0:7420 stands there twice"));
    CHECK_THAT(faults, Contains("relay.ini:2: [relay] listen: nowhere:x is not ADDRESS:PORT"));
    CHECK_THAT(faults, Contains("[relay] tombstones: is shorter than history"));
    CHECK_THAT(faults, Contains("relay.ini:5: [share..]: a name has"));
    CHECK_THAT(faults, Contains("relay.ini:7: [share.a] tombstones: 1h is not within 1d to"));
    CHECK_THAT(faults, Contains("relay.ini:10: [agent.x] shares: there is no section [share.b]"));
    CHECK_THAT(faults, Contains("relay.ini:10: [agent.x] shares: c:rw is not SHARE or SHARE:ro"));
    CHECK_THAT(faults, Contains("relay.ini:12: [agent.y] key: is the key of [agent.x] too"));
    CHECK_THAT(faults, Contains("relay.ini:14: [agent.w] key: K is no public key"));
    CHECK_THAT(faults,
               Contains("relay.ini:15: unknown section [agents.z] (did you mean agent.NAME?)"));
}

TEST_CASE("RelayConfig: only addresses that others cannot reach are loopback", "[relayconfig]")
{
    const auto [host, expected] = GENERATE(table<std::string, bool>({{"127.0.0.1", true},
                                                                     {"127.9.9.9", true},
                                                                     {"::1", true},
                                                                     {"localhost", true},
                                                                     {"0.0.0.0", false},
                                                                     {"::", false},
                                                                     {"10.0.0.1", false},
                                                                     {"relay", false}}));
    CAPTURE(host);

    CHECK(isLoopback({host, 7420}) == expected);
}

TEST_CASE("RelayConfig: the example is a configuration, and its defaults are the true ones",
          "[relayconfig]")
{
    const TempFolder folder;
    writeKey(folder / "relay.key");
    const std::string key = "key = " + (folder / "relay.key");
    std::ifstream file(std::string(TIDEWIRE_SOURCE_DIR) + "/relay/relay.ini.example");
    std::string text(std::istreambuf_iterator<char>(file), {});
    const std::string standard = "; key = /etc/tidewire/relay.key";
    REQUIRE(text.find(standard) != std::string::npos);
    text.replace(text.find(standard), standard.size(), key);

    CHECK(parseRelayConfig("relay.ini", text) ==
          parseRelayConfig("relay.ini", "[relay]\n" + key + "\n"));
}
