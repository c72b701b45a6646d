// AgentConfig: defaults, faults, and the example.

#include "agent/AgentConfig.h"

#include "shared/base/Errors.h"
#include "tests/support/LateMtime.h"
#include "tests/support/TempFolder.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

using namespace tidewire;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

const std::string kRelay = "[relay]\naddress = relay:7420\nsecurity = none\n";

std::string faultsOf(const std::string& text)
{
    try
    {
        static_cast<void>(parseAgentConfig("agent.ini", text));
    }
    catch (const ConfigError& error)
    {
        return error.what();
    }
    return {};
}

void writeKey(const std::string& file, const KeyPair& pair)
{
    std::ofstream(file) << asText(privateKeyText(pair.secret).bytes());
    REQUIRE(::chmod(file.c_str(), S_IRUSR | S_IWUSR) == 0);
}

std::string exampleText()
{
    std::ifstream file(std::string(TIDEWIRE_SOURCE_DIR) + "/agent/agent.ini.example");
    return {std::istreambuf_iterator<char>(file), {}};
}

void replace(std::string& text, const std::string& old, const std::string& wanted)
{
    const std::size_t at = text.find(old);
    REQUIRE(at != std::string::npos);
    text.replace(at, old.size(), wanted);
}

std::string withShare(const std::string& lines)
{
    return kRelay + "[share.photos]\npath = /srv/photos\n" + lines;
}

} // namespace

TEST_CASE("AgentConfig: the least that works has the documented defaults", "[agentconfig]")
{
    const AgentConfig config = parseAgentConfig("agent.ini", withShare(""));

    CHECK(isPlainName(config.name));
    CHECK(config.state == "/var/lib/tidewire-agent");
    CHECK(config.key == "/etc/tidewire/agent.key");
    CHECK(config.log == LogLevel::Info);
    CHECK(config.relay == HostPort{"relay", 7420});
    CHECK(config.security == Security::None);
    AgentShareConfig share;
    share.name = "photos";
    share.path = "/srv/photos";
    CHECK(config.shares == std::vector<AgentShareConfig>{share});
}

TEST_CASE("AgentConfig: every key is taken over", "[agentconfig]")
{
    const AgentConfig config =
        parseAgentConfig("agent.ini",
                         "[agent]\n"
                         "name = kitchen\n"
                         "state = /data/agent/\n"
                         "key = /data/agent.key\n"
                         "log = debug\n"
                         "poll = 1m\n"
                         "[relay]\n"
                         "address = [2001:db8::1]:99\n"
                         "key = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=\n"
                         "security = none\n"
                         "[share.b]\n"
                         "path = /srv/b/\n"
                         "mode = receive\n"
                         "watch = poll\n"
                         "ignore = *.tmp, /cache/\n"
                         "poll = 5s\n"
                         "special_bits = yes\n"
                         "[share.a]\n"
                         "path = /srv/a\n"
                         "mode = send\n"
                         "watch = native\n");

    AgentConfig expected;
    expected.name = "kitchen";
    expected.state = "/data/agent";
    expected.key = "/data/agent.key";
    expected.log = LogLevel::Debug;
    expected.relay = {"2001:db8::1", 99};
    expected.relayKey.back() = 1;
    expected.security = Security::None;
    expected.shares = {
        {"b", "/srv/b", ShareMode::Receive, WatchMode::Poll, {"*.tmp", "/cache/"}, 5s, true},
        {"a", "/srv/a", ShareMode::Send, WatchMode::Native, {}, 60s, false},
    };
    CHECK(config == expected);
}

TEST_CASE("AgentConfig: encryption is the default, and both keys are needed for it",
          "[agentconfig]")
{
    const auto line = GENERATE(as<std::string>{}, "", "security = noise\n");
    CAPTURE(line);
    const std::string share = "[share.a]\npath = /a\n";
    const TempFolder folder;
    const KeyPair own = makeKeyPair();
    const PublicKey relay = makeKeyPair().open;
    const std::string agent = "[agent]\nkey = " + (folder / "agent.key") + "\n";

    const std::string faults = faultsOf(agent + "[relay]\naddress = relay\n" + line + share);
    CHECK_THAT(faults, Contains("tidewire genkey > " + (folder / "agent.key")));
    CHECK_THAT(faults, Contains("[relay] key: is missing") && Contains("\"security = none\""));

    writeKey(folder / "agent.key", own);
    const std::string key = "key = " + publicKeyText(relay) + "\n";
    const AgentConfig config =
        parseAgentConfig("agent.ini", agent + "[relay]\naddress = relay\n" + key + line + share);
    CHECK(config.security == Security::Noise);
    CHECK(config.relayKey == relay);
    CHECK(config.key == folder / "agent.key");
}

TEST_CASE("AgentConfig: a key that is none is a fault", "[agentconfig]")
{
    CHECK_THAT(faultsOf("[relay]\naddress = relay\nkey = x\nsecurity = none\n"),
               Contains("agent.ini:3: [relay] key: x is no public key"));
}

TEST_CASE("AgentConfig: every fault is told at once", "[agentconfig]")
{
    const std::string faults = faultsOf("[agent]\n"
                                        "name = two words\n"
                                        "state = relative\n"
                                        "[relay]\n"
                                        "address = ::1:7420\n"
                                        "security = none\n"
                                        "[share..x]\n"
                                        "path = /srv\n"
                                        "[share.y]\n"
                                        "mode = both\n"
                                        "pth = /y\n");

    CHECK_THAT(faults, Contains("agent.ini:2: [agent] name: "));
    CHECK_THAT(faults, Contains("agent.ini:3: [agent] state: relative is not an absolute path"));
    CHECK_THAT(faults, Contains("agent.ini:5: [relay] address: ::1:7420 is not HOST:PORT"));
    CHECK_THAT(faults, Contains("agent.ini:7: [share..x]: a share's name has"));
    CHECK_THAT(faults, Contains("agent.ini:9: [share.y]: needs \"path = ...\""));
    CHECK_THAT(faults, Contains("agent.ini:10: [share.y] mode: both is not one of sync"));
    CHECK_THAT(faults,
               Contains("agent.ini:11: unknown key \"pth\" in [share.y] (did you mean path?)"));
}

TEST_CASE("AgentConfig: a configuration without a share or a relay is a fault", "[agentconfig]")
{
    CHECK_THAT(faultsOf(""),
               Contains("[relay]: needs \"address = ...\"") && Contains("no such section"));
}

TEST_CASE("AgentConfig: folders that lie one inside the other are faults", "[agentconfig]")
{
    const auto [path, state] = GENERATE(table<std::string, std::string>({
        {"/srv/photos/2020", "/var/x"},
        {"/srv", "/var/x"},
        {"/srv/photos", "/var/x"},
        {"/srv/other", "/srv/other/state"},
        {"/srv/other", "/srv/other"},
        {"/srv/other/in", "/srv/other"},
        {"/", "/var/x"},
    }));
    CAPTURE(path, state);

    CHECK_THAT(faultsOf("[agent]\nstate = " + state + "\n" +
                        withShare("[share.other]\npath = " + path + "\n")),
               Contains("one inside the other"));
}

TEST_CASE("AgentConfig: a name that begins like another folder's is no fault", "[agentconfig]")
{
    CHECK(faultsOf(withShare("[share.more]\npath = /srv/photos-more\n")).empty());
}

TEST_CASE("AgentConfig: symbolic links do not hide that folders overlap", "[agentconfig]")
{
    const TempFolder folder;
    std::filesystem::create_directories(folder / "real/inner");
    std::filesystem::create_symlink(folder / "real", folder / "link");
    setLateMtime(folder / "real");

    CHECK_THAT(faultsOf(kRelay + "[share.a]\npath = " + (folder / "real") +
                        "\n[share.b]\npath = " + (folder / "link/inner/new") + "\n"),
               Contains("one inside the other"));
}

TEST_CASE("AgentConfig: a name is made from any host name", "[agentconfig]")
{
    CHECK(agentNameFrom("kitchen.example.org") == "kitchen");
    CHECK(agentNameFrom("my board") == "my-board");
    CHECK(agentNameFrom("\xc3\xa4") == "--");
    CHECK(agentNameFrom("") == "agent");
    CHECK(agentNameFrom(".x") == "agent");
    CHECK(agentNameFrom(std::string(200, 'a')) == std::string(64, 'a'));
}

TEST_CASE("AgentConfig: the example is a configuration, and its defaults are the true ones",
          "[agentconfig]")
{
    const TempFolder folder;
    writeKey(folder / "agent.key", makeKeyPair());
    const PublicKey relay = makeKeyPair().open;
    std::string text = exampleText();
    replace(text, "; key = /etc/tidewire/agent.key", "key = " + (folder / "agent.key"));
    replace(text, "RELAY-PUBLIC-KEY", publicKeyText(relay));

    const AgentConfig config = parseAgentConfig("agent.ini", text);

    CHECK(config.security == Security::Noise);
    CHECK(config.relayKey == relay);
    AgentShareConfig share;
    share.name = "photos";
    share.path = "/srv/photos";
    CHECK(config.shares == std::vector<AgentShareConfig>{share});
    CHECK(config.relay == HostPort{"relay.example.org", 7420});
}
