// The program tidewire-relay.

#include "relay/RelayApp.h"

int main(int argc, char** argv)
{
    return tidewire::RelayApp().run(argc, argv);
}
