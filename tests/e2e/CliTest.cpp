// The command lines of both programs: options, checks, exit codes, signals.

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"
#include "tests/e2e/support/Process.h"

#include <catch2/catch.hpp>

#include <csignal>
#include <regex>

using namespace tidewire;
using namespace tidewire::e2e;

namespace {

constexpr int kExitUsage = 64;
constexpr int kExitConfig = 78;

ProgramResult checkConfig(const std::string& program, const std::string& text)
{
    const TempFolder folder;
    writeFile(folder / "test.ini", text);
    return runProgram(program, {"--config", folder / "test.ini", "--check"});
}

bool contains(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

const std::string kAgent = "[agent]\nname = kitchen\nstate = /nonexistent/state\n";
const std::string kRelay = "[relay]\naddress = relay.example.org:7420\nsecurity = none\n";
const std::string kShare = "[share.photos]\npath = /nonexistent/photos\n";

} // namespace

TEST_CASE("Cli: --version and --help answer on stdout with 0", "[e2e]")
{
    const std::string program = GENERATE(agentProgram(), relayProgram(), commandProgram());
    CAPTURE(program);

    const ProgramResult version = runProgram(program, {"--version"});
    CHECK(version.exitCode == 0);
    CHECK(std::regex_search(version.out, std::regex(R"(tidewire\S* \d+\.\d+\.\d+)")));
    CHECK(version.err.empty());

    const ProgramResult help = runProgram(program, {"--help"});
    CHECK(help.exitCode == 0);
    const bool isCommand = program == commandProgram();
    for (const char* option : {isCommand ? "genkey" : "--config",
                               isCommand ? "pubkey" : "--check",
                               "--version",
                               "--help"})
    {
        CHECK(contains(help.out, option));
    }
}

TEST_CASE("Cli: an option that does not exist, or none, is a usage error", "[e2e]")
{
    const std::string program = GENERATE(agentProgram(), relayProgram(), commandProgram());
    CAPTURE(program);

    const ProgramResult unknown = runProgram(program, {"--confg", "x"});
    CHECK(unknown.exitCode == kExitUsage);
    CHECK(contains(unknown.err, "confg"));

    const ProgramResult none = runProgram(program, {});
    CHECK(none.exitCode == kExitUsage);
    CHECK_FALSE(none.err.empty());
}

TEST_CASE("Cli: a configuration that is right passes --check", "[e2e]")
{
    const ProgramResult agent = checkConfig(agentProgram(), kAgent + kRelay + kShare);
    CAPTURE(agent.out, agent.err);
    CHECK(agent.exitCode == 0);

    const ProgramResult relay =
        checkConfig(relayProgram(),
                    "[relay]\nlisten = 0.0.0.0:7420\nstate = /tmp\nsecurity = none\n"
                    "[share.photos]\nhistory = 30d\n");
    CAPTURE(relay.out, relay.err);
    CHECK(relay.exitCode == 0);
}

TEST_CASE("Cli: --check of the agent names file, line and what is wrong", "[e2e]")
{
    struct Case
    {
        const char* what;
        std::string text;
        std::string expected;
    };
    const Case c = GENERATE(values<Case>({
        {"unknown key", kAgent + "nam = x\n" + kRelay + kShare, "test.ini:4"},
        {"nearest key", kAgent + "stat = x\n" + kRelay + kShare, "state"},
        {"unknown section", kAgent + kRelay + "[shares.x]\npath = /x\n", "shares.x"},
        {"missing path", kAgent + kRelay + "[share.photos]\n", "path"},
        {"relative path", kAgent + kRelay + "[share.photos]\npath = photos\n", "path"},
        {"wrong port",
         kAgent + "[relay]\naddress = a:99999\nsecurity = none\n" + kShare,
         "address"},
        {"no address", kAgent + "[relay]\nsecurity = none\n" + kShare, "address"},
        {"wrong mode", kAgent + kRelay + kShare + "mode = both\n", "mode"},
        {"wrong watch", kAgent + kRelay + kShare + "watch = often\n", "watch"},
        {"wrong security",
         kAgent + "[relay]\naddress = a:1\nsecurity = some\n" + kShare,
         "security"},
        {"doubled key", kAgent + "name = other\n" + kRelay + kShare, "name"},
        {"doubled section", kAgent + kRelay + kShare + kShare, "share.photos"},
        {"wrong name",
         "[agent]\nname = a b/c\nstate = /nonexistent/state\n" + kRelay + kShare,
         "name"},
        {"no section", "name = x\n" + kAgent + kRelay + kShare, "test.ini:1"},
        {"no equals sign", kAgent + "nonsense\n" + kRelay + kShare, "test.ini:4"},
        {"no share", kAgent + kRelay, "share"},
    }));
    CAPTURE(c.what);

    const ProgramResult result = checkConfig(agentProgram(), c.text);

    CAPTURE(result.err);
    CHECK(result.exitCode == kExitConfig);
    CHECK(contains(result.err, "test.ini"));
    CHECK(contains(result.err, c.expected));
}

TEST_CASE("Cli: --check of the relay names file, line and what is wrong", "[e2e]")
{
    struct Case
    {
        const char* what;
        std::string text;
        std::string expected;
    };
    const std::string relay = "[relay]\nlisten = 127.0.0.1:7420\nstate = /tmp\nsecurity = none\n";
    const Case c = GENERATE_COPY(values<Case>({
        {"unknown key", relay + "lisen = x\n[share.a]\n", "listen"},
        {"wrong listen",
         "[relay]\nlisten = 127.0.0.1:99999\nstate = /tmp\nsecurity = none\n[share.a]\n",
         "listen"},
        {"wrong duration", relay + "[share.a]\nhistory = soon\n", "history"},
        {"unknown section", relay + "[shar.a]\n", "shar.a"},
        {"missing state",
         "[relay]\nlisten = 127.0.0.1:7420\nsecurity = none\n[share.a]\n",
         "state"},
    }));
    CAPTURE(c.what);

    const ProgramResult result = checkConfig(relayProgram(), c.text);

    CAPTURE(result.err);
    // A key with a default may be missing.
    if (std::string(c.what) != "missing state" || result.exitCode != 0)
    {
        CHECK(result.exitCode == kExitConfig);
        CHECK(contains(result.err, c.expected));
    }
}

TEST_CASE("Cli: --check reports every error, not the first alone", "[e2e]")
{
    const ProgramResult result = checkConfig(
        agentProgram(), kAgent + "colour = red\n" + kRelay + kShare + "mode = both\nwach = poll\n");

    CAPTURE(result.err);
    CHECK(result.exitCode == kExitConfig);
    CHECK(contains(result.err, "colour"));
    CHECK(contains(result.err, "mode"));
    CHECK(contains(result.err, "wach"));
}

TEST_CASE("Cli: a configuration that cannot be read is a configuration error", "[e2e]")
{
    const std::string program = GENERATE(agentProgram(), relayProgram());
    CAPTURE(program);

    const ProgramResult result = runProgram(program, {"--config", "/nonexistent/file.ini"});

    CHECK(result.exitCode == kExitConfig);
    CHECK(contains(result.err, "/nonexistent/file.ini"));
}

TEST_CASE("Cli: without security = none and without keys neither program starts", "[e2e]")
{
    const ProgramResult agent = checkConfig(
        agentProgram(),
        kAgent + "key = /nonexistent/key\n[relay]\naddress = a.example:7420\n" + kShare);
    CAPTURE(agent.err);
    CHECK(agent.exitCode == kExitConfig);
    CHECK(contains(agent.err, "test.ini:4: [agent] key: the key file /nonexistent/key"));
    CHECK(contains(agent.err, "[relay] key: is missing"));

    const ProgramResult relay =
        checkConfig(relayProgram(), "[relay]\nlisten = 127.0.0.1:7420\nkey = /nonexistent/key\n");
    CAPTURE(relay.err);
    CHECK(relay.exitCode == kExitConfig);
    CHECK(contains(relay.err, "security = none"));
}

TEST_CASE("Cli: a key file that others can read is refused with what to do", "[e2e]")
{
    Cluster cluster(Security::Noise);
    AgentNode& agent = cluster.addAgent("one");
    cluster.relay().stop();
    for (const auto& [program, node] : {std::pair(agentProgram(), static_cast<Node*>(&agent)),
                                        std::pair(relayProgram(), &cluster.relay())})
    {
        changeMode(node->keyFile(), 0644);
        const ProgramResult result = runProgram(program, {"--config", node->configFile()});
        CAPTURE(program, result.err);
        CHECK(result.exitCode == kExitConfig);
        CHECK(contains(result.err, "chmod 600 " + node->keyFile()));
    }
}

TEST_CASE("Cli: SIGTERM and SIGINT end both programs with 0", "[e2e]")
{
    const int number = GENERATE(SIGTERM, SIGINT);
    CAPTURE(number);
    Pair pair;
    writeFile(pair.one / "file", "x");
    pair.cluster.settle();

    for (Node* node : {static_cast<Node*>(&pair.one), &pair.cluster.relay()})
    {
        node->process().signal(number);
        CHECK(node->process().wait(defaultDeadline()) == 0);
    }
}

TEST_CASE("Cli: SIGTERM ends an agent in the middle of a transfer at once", "[e2e]")
{
    Pair pair;
    pair.cluster.awaitQuiet(pair.one);
    pair.one.traffic().setRate(1 << 20);
    pair.one.traffic().cut();
    const std::uint64_t before = pair.one.traffic().bytes(Direction::Up);
    writeFile(pair.one / "large", randomBytes(1, 50 << 20));
    pair.cluster.await("it is on its way",
                       [&] { return pair.one.traffic().bytes(Direction::Up) > before + 100000; });

    CHECK(pair.one.process().terminate() == 0);
}

TEST_CASE("Cli: SIGHUP reads the configuration again", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "file", "x");
    pair.cluster.settle();
    const std::string second = pair.cluster.scratch("second");
    makeFolders(second);

    appendFile(pair.one.configFile(), "ignore = *.bak\n");
    const std::size_t before = pair.one.logLines("");
    pair.one.process().signal(SIGHUP);
    pair.cluster.await("the agent says so", [&] { return pair.one.logLines("") > before; });
    writeFile(pair.one / "a.bak", "x");
    writeFile(pair.one / "after", "x");
    pair.cluster.await("it goes on", [&] { return exists(pair.two / "after"); });
    pair.cluster.awaitQuiet(pair.one);

    CHECK_FALSE(exists(pair.two / "a.bak"));
    CHECK(pair.one.running());
}

TEST_CASE("Cli: SIGHUP takes another address over and names what takes a restart", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "file", "x");
    pair.cluster.settle();
    const std::string address =
        pair.cluster.relayHost() + ":" + std::to_string(pair.cluster.relayPort());
    std::string config = readFile(pair.one.configFile()).value();
    const std::string old = "127.0.0.1:" + std::to_string(pair.one.traffic().port());
    config.replace(config.find(old), old.size(), address);
    config.replace(config.find("name = one"), 10, "name = another");
    writeFile(pair.one.configFile(), config);

    pair.one.process().signal(SIGHUP);
    pair.cluster.await("it connects there",
                       [&] { return pair.one.logLines("connected to the relay " + address) > 0; });
    writeFile(pair.one / "after", "x");

    pair.cluster.await("it goes on", [&] { return exists(pair.two / "after"); });
    CHECK(pair.one.logLines("take a restart: [agent] name") == 1);
}

TEST_CASE("Cli: an agent that is ended while it applies changes ends in order", "[e2e]")
{
    Pair pair;
    pair.cluster.settle();
    for (int i = 0; i < 3000; ++i)
    {
        writeFile(pair.one / ("file" + std::to_string(i)),
                  std::string(3000, 'x') + std::to_string(i));
    }
    pair.cluster.await("the first ones arrive", [&] { return exists(pair.two / "file1"); });

    pair.two.stop();

    pair.two.start();
    pair.cluster.settle();
}

TEST_CASE("Cli: SIGHUP with a wrong configuration keeps the old one", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "file", "x");
    pair.cluster.settle();

    appendFile(pair.one.configFile(), "nonsense = 1\n");
    pair.one.process().signal(SIGHUP);
    appendFile(pair.cluster.relay().configFile(), "nonsense = 1\n");
    pair.cluster.relay().process().signal(SIGHUP);
    pair.cluster.await("both complain", [&] {
        return pair.one.logLines("nonsense") > 0 && pair.cluster.relay().logLines("nonsense") > 0;
    });
    writeFile(pair.one / "after", "x");

    pair.cluster.await("they go on", [&] { return exists(pair.two / "after"); });
}

TEST_CASE("Cli: a second agent on the same state does not start", "[e2e]")
{
    Pair pair;
    pair.cluster.awaitQuiet(pair.one);

    const ProgramResult result = runProgram(agentProgram(), {"--config", pair.one.configFile()});

    CHECK(result.exitCode != 0);
    CHECK(pair.one.running());
}
