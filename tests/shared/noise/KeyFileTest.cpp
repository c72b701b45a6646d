// KeyFile: who may read it decides whether it is read.

#include "shared/noise/KeyFile.h"

#include "shared/base/Errors.h"
#include "tests/support/TempFolder.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

using namespace tidewire;
using Catch::Matchers::Contains;

namespace {

/// A folder with a key file of mode 0600.
struct KeyFileFixture
{
    KeyFileFixture() { write(std::string(asText(privateKeyText(pair.secret).bytes())) + "\n"); }

    void write(const std::string& text, mode_t mode = 0600) const
    {
        std::ofstream(path) << text;
        REQUIRE(::chmod(path.c_str(), mode) == 0);
    }

    [[nodiscard]] std::string refusal() const
    {
        try
        {
            static_cast<void>(readKeyFile(path));
        }
        catch (const Error& error)
        {
            return error.what();
        }
        return {};
    }

    TempFolder folder;
    std::string path = folder / "relay.key";
    KeyPair pair = makeKeyPair();
};

} // namespace

TEST_CASE_METHOD(KeyFileFixture, "KeyFile: a file that only its owner can read is read", "[noise]")
{
    const auto mode = GENERATE(mode_t{0600}, mode_t{0400}, mode_t{0700});
    REQUIRE(::chmod(path.c_str(), mode) == 0);

    CHECK(readKeyFile(path).open == pair.open);
}

TEST_CASE_METHOD(KeyFileFixture, "KeyFile: blanks around the key do not count", "[noise]")
{
    write(" " + std::string(asText(privateKeyText(pair.secret).bytes())) + "\r\n\n");

    CHECK(readKeyFile(path).open == pair.open);
}

TEST_CASE_METHOD(KeyFileFixture, "KeyFile: a file that is open to others is refused", "[noise]")
{
    const auto mode = GENERATE(0640, 0604, 0610, 0601, 0620, 0602, 0666);
    REQUIRE(::chmod(path.c_str(), static_cast<mode_t>(mode)) == 0);
    CAPTURE(mode);

    CHECK_THAT(refusal(), Contains("is open to others; close it: chmod 600 " + path));
}

TEST_CASE_METHOD(KeyFileFixture, "KeyFile: what is no regular file is refused", "[noise]")
{
    REQUIRE(::unlink(path.c_str()) == 0);
    SECTION("a pipe, without waiting for a writer")
    {
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    }
    SECTION("a folder")
    {
        REQUIRE(::mkdir(path.c_str(), 0700) == 0);
    }

    CHECK_THAT(refusal(), Contains("is not a regular file"));
}

TEST_CASE_METHOD(KeyFileFixture,
                 "KeyFile: a missing file is refused with how to make one",
                 "[noise]")
{
    REQUIRE(::unlink(path.c_str()) == 0);

    CHECK_THAT(refusal(), Contains("(umask 077; tidewire genkey > " + path + ")"));
}

TEST_CASE_METHOD(KeyFileFixture,
                 "KeyFile: a file without a key is refused, and the line tells nothing of it",
                 "[noise]")
{
    const auto text = GENERATE(as<std::string>{}, "", "secret", std::string(1000, 'A'));
    write(text);

    CHECK_THAT(refusal(), Contains("holds no key"));
    CHECK_THAT(refusal(), !Contains("secret"));
}

TEST_CASE_METHOD(KeyFileFixture, "KeyFile: a file of somebody else is refused", "[noise]")
{
    if (::geteuid() != 0)
    {
        WARN("only root can give files away");
        return;
    }
    REQUIRE(::chown(path.c_str(), 1234, 0) == 0);

    CHECK_THAT(refusal(), Contains("belongs to user 1234; give it to user 0: chown 0 " + path));
}
