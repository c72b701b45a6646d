// Index: the proposals that were sent and not answered.

#include "shared/base/Bytes.h"
#include "tests/agent/state/IndexFixture.h"

#include <catch2/catch.hpp>

using namespace tidewire;

namespace {

Bytes bytesOf(std::string_view text)
{
    return {text.begin(), text.end()};
}

} // namespace

TEST_CASE_METHOD(IndexFixture, "Index: sent batches survive a restart and go one by one")
{
    const std::int64_t first = index().addSent(share, bytesOf("one"));
    const std::int64_t second = index().addSent(share, bytesOf("two"));
    CHECK(first != second);
    reopen();
    CHECK(index().sent(share) == std::vector<Bytes>{bytesOf("one"), bytesOf("two")});

    index().removeSent(first);
    index().removeSent(first);
    CHECK(index().sent(share) == std::vector<Bytes>{bytesOf("two")});
}

TEST_CASE_METHOD(IndexFixture,
                 "Index: a sent batch of a transaction that is rolled back was never there")
{
    index().begin();
    static_cast<void>(index().addSent(share, bytesOf("one")));
    index().rollback();

    CHECK(index().sent(share).empty());
}

TEST_CASE_METHOD(IndexFixture, "Index: sent batches age and go share by share")
{
    const ShareId other = index().share("music").id;
    static_cast<void>(index().addSent(share, bytesOf("old")));
    static_cast<void>(index().addSent(other, bytesOf("theirs")));
    index().ageSent(share, 1);
    static_cast<void>(index().addSent(share, bytesOf("young")));
    CHECK(index().sent(share).size() == 2);

    index().ageSent(share, 1);
    CHECK(index().sent(share) == std::vector<Bytes>{bytesOf("young")});
    index().ageSent(share, 0);
    CHECK(index().sent(share).empty());
    CHECK(index().sent(other) == std::vector<Bytes>{bytesOf("theirs")});
}
