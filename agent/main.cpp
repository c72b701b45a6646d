// The program tidewire-agent.

#include "agent/AdoptFolder.h"
#include "agent/AgentApp.h"
#include "shared/base/Errors.h"

#include <algorithm>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::string_view kAdopt = "--adopt";

int adopt(std::vector<const char*> words)
{
    using tidewire::ExitCode;
    try
    {
        const auto place = std::find(words.begin(), words.end(), kAdopt);
        if (place + 1 == words.end())
        {
            throw tidewire::Error("--adopt needs the name of a share after it");
        }
        const std::string share = *(place + 1);
        words.erase(place, place + 2);
        const auto arguments = tidewire::parseDaemonArguments(words);
        tidewire::adoptFolder(tidewire::loadAgentConfig(arguments.config), share);
        std::cout
            << share
            << ": the folder is this agent's again; start the agent to compare it with the relay"
            << std::endl;
        return static_cast<int>(ExitCode::Ok);
    }
    catch (const tidewire::ConfigError& error)
    {
        std::cerr << error.what() << std::endl;
        return static_cast<int>(ExitCode::Config);
    }
    catch (const std::exception& error)
    {
        std::cerr << "tidewire-agent: " << error.what() << std::endl;
        return static_cast<int>(ExitCode::Failed);
    }
}

} // namespace

int main(int argc, char** argv)
{
    const std::vector<const char*> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    if (std::find(words.begin(), words.end(), kAdopt) != words.end())
    {
        return adopt(words);
    }
    return tidewire::AgentApp().run(argc, argv);
}
