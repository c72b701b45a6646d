// ApplyLog: what was on its way to the disk is known after a restart, for as long as that matters.

#include "agent/sync/ApplyLog.h"

#include "tests/agent/sync/SyncFixture.h"

#include <catch2/catch.hpp>

#include <optional>

using namespace tidewire;

namespace {

class ApplyLogFixture: public SyncFixture
{
protected:
    ApplyLogFixture() { restart(); }

    void restart()
    {
        log.emplace(index);
        log->load(share.record.id);
    }

    std::optional<ApplyLog> log;
};

} // namespace

TEST_CASE_METHOD(ApplyLogFixture, "ApplyLog: what was not recorded is known after a restart, once")
{
    log->add(pathOf("a"), 7, fileEntry("one"));
    log->add(pathOf("b"), 8, fileEntry("two"));
    log->begin();
    CHECK_FALSE(log->take(pathOf("a"), fileEntry("one")));

    restart();
    CHECK_FALSE(log->take(pathOf("a"), fileEntry("two")));
    CHECK_FALSE(log->take(pathOf("c"), fileEntry("one")));
    CHECK(log->take(pathOf("a"), fileEntry("one")) == Seq{7});
    CHECK_FALSE(log->take(pathOf("a"), fileEntry("one")));
    CHECK(log->take(pathOf("b"), fileEntry("two")) == Seq{8});
    CHECK(index.applying(share.record.id).empty());
}

TEST_CASE_METHOD(ApplyLogFixture, "ApplyLog: what was recorded or settled means nothing")
{
    log->add(pathOf("a"), 7, fileEntry("one"));
    log->begin();
    const bool isRecorded = GENERATE(true, false);
    if (isRecorded)
    {
        log->end();
    }
    restart();
    log->settle(pathOf("a"));

    CHECK_FALSE(log->take(pathOf("a"), fileEntry("one")));
    CHECK(index.applying(share.record.id).empty());
}

TEST_CASE_METHOD(ApplyLogFixture, "ApplyLog: an earlier process's batch outlives those of this one")
{
    log->add(pathOf("a"), 7, fileEntry("one"));
    log->begin();
    restart();
    log->add(pathOf("b"), 8, fileEntry("two"));
    log->begin();
    log->end();

    restart();
    CHECK(log->take(pathOf("a"), fileEntry("one")) == Seq{7});
    CHECK_FALSE(log->take(pathOf("b"), fileEntry("two")));
}
