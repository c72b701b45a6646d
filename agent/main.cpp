// The program tidewire-agent.

#include "agent/AgentApp.h"

int main(int argc, char** argv)
{
    return tidewire::AgentApp().run(argc, argv);
}
