// An rsync daemon on loopback, and the two runs through it.

#include "bench/RsyncDaemon.h"

#include "tests/e2e/support/Eventually.h"
#include "tests/e2e/support/Files.h"

#include <unistd.h>

#include <stdexcept>

#include "bench/Figures.h"

namespace tidewire::bench {

namespace {

constexpr auto kLongest = std::chrono::minutes(10);

void run(const std::string& home, const std::string& from, const std::string& to)
{
    e2e::Process rsync("rsync", {"-a", from, to}, home + "/out", home + "/err");
    if (rsync.wait(kLongest) != 0)
    {
        throw std::runtime_error("rsync " + from + " " + to + ": " +
                                 e2e::readFile(home + "/err").value_or(""));
    }
}

} // namespace

RsyncDaemon::RsyncDaemon(const std::string& home)
{
    const std::string port = std::to_string(20000 + ::getpid() % 20000);
    e2e::makeFolders(home + "/module");
    std::string config = "use chroot = no\nreverse lookup = no\n";
    if (::geteuid() == 0)
    {
        config += "uid = 0\ngid = 0\n";
    }
    config += "[module]\npath = " + home + "/module\nread only = no\n";
    e2e::writeFile(home + "/rsyncd.conf", config);
    _url = "rsync://127.0.0.1:" + port + "/module/";
    _process = std::make_unique<e2e::Process>("rsync",
                                              std::vector<std::string>{
                                                  "--daemon",
                                                  "--no-detach",
                                                  "--address=127.0.0.1",
                                                  "--port=" + port,
                                                  "--config=" + home + "/rsyncd.conf",
                                              },
                                              home + "/daemon",
                                              home + "/daemon");
    const auto answers = [&] {
        return e2e::runProgram("rsync", {_url}).exitCode == 0;
    };
    if (!e2e::eventually(answers))
    {
        throw std::runtime_error("the rsync daemon does not answer: " +
                                 e2e::readFile(home + "/daemon").value_or(""));
    }
}

double RsyncDaemon::twoRuns(const std::string& source, const std::string& target) const
{
    const e2e::ProgramResult sync = e2e::runProgram("sync", {});
    (void)sync;
    const std::string home = source + "/..";
    const Stopwatch watch;
    run(home, source + "/", _url);
    run(home, _url, target + "/");
    return watch.seconds();
}

} // namespace tidewire::bench
