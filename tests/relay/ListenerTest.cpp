// Listener: sockets that a service manager passes on.

#include "relay/Listener.h"

#include "shared/base/Errors.h"
#include "tests/support/Environment.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/socket.h>

using namespace tidewire;
using Catch::Matchers::Contains;

TEST_CASE("Listener: a socket that listens already is taken over, non-blocking", "[listener]")
{
    const auto first = Listener::open({"127.0.0.1", 0});
    UniqueFd copy(::dup(first.front().fd()));
    REQUIRE(::fcntl(copy.get(), F_SETFL, 0) == 0);

    const Listener listener = Listener::adopt(std::move(copy));

    CHECK(listener.port() == first.front().port());
    CHECK(listener.address() == HostPort{"127.0.0.1", first.front().port()});
    CHECK((::fcntl(listener.fd(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(listener.fd(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("Listener: what is no listening TCP socket is refused", "[listener]")
{
    const std::string kind = GENERATE(as<std::string>(), "file", "datagram", "silent", "local");
    UniqueFd fd;
    if (kind == "file")
    {
        fd = UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    }
    else if (kind == "datagram")
    {
        fd = UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    }
    else
    {
        fd = UniqueFd(::socket(kind == "local" ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    }
    REQUIRE(fd);

    CHECK_THROWS_WITH(Listener::adopt(std::move(fd)), Contains("no listening TCP socket"));
}

TEST_CASE("Listener: sockets for another process are not ours", "[listener]")
{
    const Environment count("LISTEN_FDS", "1");
    const std::string pid = GENERATE(as<std::string>(), "1", "", "nonsense");
    const Environment process("LISTEN_PID", pid);

    CHECK(Listener::inherit().empty());
}
