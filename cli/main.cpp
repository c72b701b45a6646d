// The program tidewire: the command for people.

#include "shared/base/Errors.h"
#include "shared/base/Version.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <iostream>
#include <string_view>
#include <vector>

#include "cli/KeyCommands.h"

namespace {

constexpr int kOk = 0;
constexpr int kFailed = 1;
constexpr int kUsageError = 64; // as sysexits.h has it

const char* const kUsage =
    "usage: tidewire genkey | pubkey | --version | --help\n"
    "\n"
    "  genkey     print a new private key; keep it where only its owner can read it:\n"
    "             (umask 077; tidewire genkey > agent.key)\n"
    "  pubkey     read a private key from the input and print its public key:\n"
    "             tidewire pubkey < agent.key\n"
    "  --version  print the version and exit\n"
    "  --help     print this and exit\n";

/// A key in a file that others can read is none; what reads it would refuse it later.
void warnOfOpenFile()
{
    struct stat status = {};
    if (::fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode) &&
        (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    {
        std::cerr << "tidewire: others can read this file; close it with chmod 600, or write it "
                     "after: umask 077\n";
    }
}

bool isCommand(std::string_view word)
{
    constexpr std::array<std::string_view, 5> kCommands{
        "genkey", "pubkey", "--version", "--help", "-h"};
    return std::find(kCommands.begin(), kCommands.end(), word) != kCommands.end();
}

int misuse(std::string_view word)
{
    std::cerr << "tidewire: unknown argument " << tidewire::printable(word) << "\n" << kUsage;
    return kUsageError;
}

int run(std::string_view command)
{
    if (command == "genkey")
    {
        warnOfOpenFile();
        tidewire::generateKey(std::cout);
    }
    else if (command == "pubkey")
    {
        tidewire::showPublicKey(std::cin, std::cout);
    }
    else if (command == "--version")
    {
        std::cout << "tidewire " << tidewire::kVersion << "\n";
    }
    else
    {
        std::cout << kUsage;
    }
    std::cout.flush();
    return std::cout.good() ? kOk : kFailed;
}

} // namespace

int main(int argc, char** argv)
{
    const std::vector<std::string_view> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    if (words.empty())
    {
        std::cerr << kUsage;
        return kUsageError;
    }
    if (!isCommand(words.front()) || words.size() > 1)
    {
        return misuse(isCommand(words.front()) ? words[1] : words.front());
    }
    try
    {
        return run(words.front());
    }
    catch (const std::exception& error)
    {
        std::cerr << "tidewire: " << error.what() << "\n";
        return kFailed;
    }
}
