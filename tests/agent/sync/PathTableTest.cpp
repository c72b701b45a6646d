// PathTable: one hand a path.

#include "agent/sync/PathTable.h"

#include "tests/support/FileTools.h"

#include <catch2/catch.hpp>

using namespace tidewire;

TEST_CASE("PathTable: a path is in one hand at a time", "[pathtable]")
{
    PathTable table;
    CHECK(table.tryHold(pathOf("a")));
    CHECK(table.isHeld(pathOf("a")));

    CHECK_FALSE(table.tryHold(pathOf("a")));
    CHECK(table.tryHold(pathOf("a/b")));
    CHECK(table.size() == 2);
}

TEST_CASE("PathTable: who was turned away leaves a trace for the one who holds", "[pathtable]")
{
    PathTable table;
    static_cast<void>(table.tryHold(pathOf("a")));
    static_cast<void>(table.tryHold(pathOf("b")));
    CHECK_FALSE(table.tryHold(pathOf("a")));
    CHECK_FALSE(table.tryHold(pathOf("a")));

    CHECK(table.release(pathOf("a")));
    CHECK_FALSE(table.release(pathOf("b")));
    CHECK(table.size() == 0);
}

TEST_CASE("PathTable: a new hold knows nothing of an earlier one", "[pathtable]")
{
    PathTable table;
    static_cast<void>(table.tryHold(pathOf("a")));
    static_cast<void>(table.tryHold(pathOf("a")));
    static_cast<void>(table.release(pathOf("a")));

    CHECK(table.tryHold(pathOf("a")));
    CHECK_FALSE(table.release(pathOf("a")));
}

TEST_CASE("PathTable: the release of what nobody holds says nothing", "[pathtable]")
{
    PathTable table;

    CHECK_FALSE(table.release(pathOf("a")));
    CHECK_FALSE(table.isHeld(pathOf("a")));
}
