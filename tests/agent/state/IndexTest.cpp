// Index: shares, entries, their order, pending revisions, lists of heads, damaged files.

#include "shared/base/Errors.h"
#include "shared/db/Database.h"
#include "tests/agent/state/IndexFixture.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <limits>
#include <set>

using namespace tidewire;

namespace {

/// Names that are easy to get wrong beside ordinary ones; few, so that paths share folders.
std::string randomName(std::mt19937& random)
{
    static const std::vector<std::string> kOdd{
        "a", "a-b", "a!", "a0", "a.b", "A", "\xff\xff", "\x80", "new\nline", " ", "'", "%", "\x01"};
    const auto pick = random() % 40;
    return pick < kOdd.size() ? kOdd[pick] : "n" + std::to_string(pick);
}

RelativePath randomPath(std::mt19937& random)
{
    RelativePath result;
    for (auto depth = 1 + random() % 4; depth > 0; --depth)
    {
        result = RelativePath::join(result, randomName(random)).value();
    }
    return result;
}

std::vector<std::string> inBatches(
    const std::function<std::vector<IndexEntry>(const RelativePath& after, std::size_t limit)>&
        read)
{
    std::vector<std::string> result;
    RelativePath after;
    for (;;)
    {
        const auto batch = read(after, 7);
        REQUIRE(batch.size() <= 7);
        if (batch.empty())
        {
            return result;
        }
        for (const IndexEntry& entry : batch)
        {
            result.push_back(entry.path.text());
        }
        after = batch.back().path;
    }
}

} // namespace

TEST_CASE_METHOD(IndexFixture, "Index: a share's record survives a reopen")
{
    ShareRecord record = index().share("photos");
    CHECK(record.id == share);
    CHECK(record.cursor == 0);
    CHECK(record.ignoreRules == Hash{});
    record.marker.fill(9);
    record.incarnation[15] = 1;
    record.cursor = 77;
    record.tag = 0x8000000000000001U;
    record.ignoreRules = hashOf(3);
    record.durable = 76;
    record.boot = "this one";
    index().putShare(record);
    CHECK(index().share("other").id != share);

    reopen();
    const ShareRecord again = index().share("photos");
    CHECK(again.id == record.id);
    CHECK(again.marker == record.marker);
    CHECK(again.incarnation == record.incarnation);
    CHECK(again.cursor == record.cursor);
    CHECK(again.tag == record.tag);
    CHECK(again.ignoreRules == record.ignoreRules);
    CHECK(again.durable == record.durable);
    CHECK(again.boot == record.boot);
}

TEST_CASE_METHOD(IndexFixture, "Index: every field of an entry survives a reopen")
{
    IndexEntry file1 = fileAt("dir/\xff\n'x", 5);
    file1.entry.mode = 07777;
    file1.entry.size = kMaxContentBytes;
    file1.local.inode = std::numeric_limits<std::uint64_t>::max();
    file1.local.size = 1ULL << 62U;
    file1.local.mtime = {std::numeric_limits<std::int64_t>::min(), 999999999};
    IndexEntry link = fileAt("dir/link");
    link.entry = {EntryKind::Symlink, 0, {4000000000, 5}, 0, {}, "../\xfe target"};
    index().put(share, file1);
    index().put(share, link);
    reopen();
    CHECK(same(index().get(share, file1.path).value(), file1));
    CHECK(same(index().get(share, link.path).value(), link));
    CHECK_FALSE(index().get(share, path("dir")));
    CHECK_FALSE(index().get(share + 1, file1.path));
    index().remove(share, link.path);
    index().remove(share, link.path);
    CHECK_FALSE(index().get(share, link.path));
}

TEST_CASE_METHOD(IndexFixture, "Index: a put changes exactly the fields that differ")
{
    std::vector<IndexEntry> forms(8, fileAt("a", 1));
    forms[1].seq = 2;
    forms[2].entry.mode = 0600;
    forms[3].entry.size = 6;
    forms[4].entry.hash = hashOf(2);
    forms[5].local.inode = 12;
    forms[6].local.ctime.nanoseconds = 3;
    forms[7].entry = {EntryKind::Directory, 0755, {}, 0, {}, ""};
    for (const IndexEntry& from : forms)
    {
        for (const IndexEntry& to : forms)
        {
            index().put(share, from);
            index().put(share, to);
            CHECK(same(index().get(share, to.path).value(), to));
            CHECK(index().hasFileOfSize(share, 6) == (to.entry.size == 6));
            CHECK(index().withInode(share, 12, 9).size() == (to.local.inode == 12 ? 1U : 0U));
            CHECK(index().withSeq(share, 2).has_value() == (to.seq == 2));
            const auto rows = index().rowsWritten();
            index().put(share, to);
            CHECK(index().rowsWritten() == rows);
        }
    }
}

TEST_CASE_METHOD(IndexFixture, "Index: a change of mode alone writes one page")
{
    index().begin();
    for (int i = 0; i < 5000; ++i)
    {
        IndexEntry entry = fileAt("folder/" + std::to_string(i), static_cast<Seq>(i + 1));
        entry.local.inode = static_cast<std::uint64_t>(i * 7919 % 5000 + 1);
        index().put(share, entry);
    }
    index().commit();
    reopen(); // an empty WAL
    IndexEntry entry = index().get(share, path("folder/2500")).value();
    entry.entry.mode = 0600;
    index().put(share, entry);
    CHECK(std::filesystem::file_size(file + "-wal") == 32 + 24 + 4096);
}

TEST_CASE_METHOD(IndexFixture, "Index: 10,000 entries come in the order of RelativePath")
{
    std::mt19937 random(1); // NOLINT: the same tree every time
    std::set<RelativePath> model;
    index().begin();
    while (model.size() < 10000)
    {
        const RelativePath added = randomPath(random);
        model.insert(added);
        index().put(share, fileAt(added.text()));
    }
    index().put(share + 1, fileAt("elsewhere"));
    index().commit();

    const auto expect = [&](const auto& wanted) {
        std::vector<std::string> result;
        for (const RelativePath& one : model)
        {
            if (wanted(one))
            {
                result.push_back(one.text());
            }
        }
        return result;
    };
    const auto all = inBatches(
        [&](const auto& after, auto limit) { return index().subtree(share, {}, after, limit); });
    CHECK(all == expect([](const RelativePath&) { return true; }));

    for (int i = 0; i < 100; ++i)
    {
        const RelativePath top = randomPath(random);
        const auto below = inBatches([&](const auto& after, auto limit) {
            return index().subtree(share, top, after, limit);
        });
        CHECK(below ==
              expect([&](const RelativePath& one) { return one != top && one.isWithin(top); }));
        const auto inside = inBatches([&](const auto& after, auto limit) {
            return index().children(share, top, after.name(), limit);
        });
        const auto children =
            expect([&](const RelativePath& one) { return one.folder() == top.text(); });
        CHECK(inside == children);
        CHECK(index().hasChildren(share, top) == !children.empty());

        const RelativePath after = randomPath(random);
        const auto rest = expect([&](const RelativePath& one) {
            return one != top && one.isWithin(top) && after < one;
        });
        CHECK(texts(index().subtree(share, top, after, 20000)) == rest);
    }
}

TEST_CASE_METHOD(IndexFixture, "Index: entries are found by content, size, inode and seq")
{
    Hash other = hashOf(1);
    other.bytes[20] = 1; // the indexed start of the hash is the same
    IndexEntry b = fileAt("b", 8);
    b.entry.hash = other;
    IndexEntry directory = fileAt("d", 9);
    directory.entry = {EntryKind::Directory, 0755, {}, 0, {}, ""};
    directory.local.inode = 12;
    index().put(share, fileAt("a", 7));
    index().put(share, fileAt("c"));
    index().put(share, b);
    index().put(share, directory);
    index().put(share + 1, fileAt("x", 7));

    CHECK(index().withContent(share, 5, hashOf(1), 9).size() == 2);
    CHECK(index().withContent(share, 5, hashOf(1), 1).size() == 1);
    CHECK(texts(index().withContent(share, 5, other, 9)) == std::vector<std::string>{"b"});
    CHECK(index().withContent(share, 6, hashOf(1), 9).empty());
    CHECK(index().hasFileOfSize(share, 5));
    CHECK_FALSE(index().hasFileOfSize(share, 0));
    CHECK(index().withInode(share, 11, 9).size() == 3);
    CHECK(texts(index().withInode(share, 12, 9)) == std::vector<std::string>{"d"});
    CHECK(index().withSeq(share, 8)->path == path("b"));
    CHECK_FALSE(index().withSeq(share, 0));
    CHECK_FALSE(index().withSeq(share, 10));

    index().forgetRevisions(share);
    CHECK_FALSE(index().withSeq(share, 8));
    CHECK(index().get(share, path("b"))->seq == 0);
    CHECK(index().withSeq(share + 1, 7));
}

TEST_CASE_METHOD(IndexFixture, "Index: what is rolled back is gone")
{
    index().put(share, fileAt("a"));
    index().begin();
    index().put(share, fileAt("b"));
    index().remove(share, path("a"));
    index().remove(share, path("none"));
    index().put(share, fileAt("c"));
    index().put(share, fileAt("c", 4));
    CHECK(texts(index().subtree(share, {}, {}, 9)) == std::vector<std::string>{"b", "c"});
    CHECK(index().get(share, path("c"))->seq == 4);
    index().rollback();
    CHECK(texts(index().subtree(share, {}, {}, 9)) == std::vector<std::string>{"a"});
}

TEST_CASE_METHOD(IndexFixture, "Index: pending revisions come by path and in the order of seq")
{
    const auto make = [](std::string_view text, Seq seq) {
        return Index::Pending{{seq, path(text), fileAt(text).entry, "kitchen"}, 3};
    };
    index().putPending(share, make("b", 1));
    index().putPending(share, make("a/x", 30));
    index().putPending(share, make("c", 20));
    index().putPending(share, make("b", 25)); // replaces the one with seq 1
    reopen();
    const auto found = index().pending(share, path("a/x")).value();
    CHECK(found.revision.seq == 30);
    CHECK(found.revision.path == path("a/x"));
    CHECK(found.revision.entry == fileAt("a/x").entry);
    CHECK(found.revision.agent == "kitchen");
    CHECK(found.failures == 3);

    std::vector<Seq> order;
    for (const auto& pending : index().pendingAfter(share, {}, 9))
    {
        order.push_back(pending.revision.seq);
    }
    CHECK(order == std::vector<Seq>{20, 25, 30});
    CHECK(index().pendingAfter(share, {21, {}}, 1).at(0).revision.seq == 25);
    CHECK(index().pendingAfter(share, {31, {}}, 9).empty());
    index().removePending(share, path("c"));
    CHECK_FALSE(index().pending(share, path("c")));
    CHECK(index().pendingAfter(share + 1, {}, 9).empty());
    CHECK(index().hasPendingIn(share, path("a")));
    CHECK(index().hasPendingIn(share, {}));
    CHECK_FALSE(index().hasPendingIn(share, path("b")));
    CHECK_FALSE(index().hasPendingIn(share + 1, {}));
}

TEST_CASE_METHOD(IndexFixture, "Index: only entries that were not listed are reported")
{
    for (const char* text : {"a", "a/x", "b", "z"})
    {
        index().put(share, fileAt(text));
    }
    index().markListed(share, path("a/x"));
    index().markListed(share, path("a/x"));
    index().markListed(share, path("later")); // listed before it is put
    index().put(share, fileAt("later"));
    reopen();
    CHECK(texts(index().unlisted(share, {}, 9)) == std::vector<std::string>{"a", "b", "z"});
    CHECK(texts(index().unlisted(share, path("a"), 1)) == std::vector<std::string>{"b"});
    index().clearListed(share);
    CHECK(index().unlisted(share, {}, 9).size() == 5);
}

TEST_CASE_METHOD(IndexFixture, "Index: a damaged file is a CorruptError, at open or at use")
{
    index().begin();
    for (int i = 0; i < 2000; ++i)
    {
        index().put(share, fileAt("f/" + std::to_string(i), static_cast<Seq>(i + 1)));
    }
    index().commit();
    opened.reset();
    std::mt19937 random(2); // NOLINT: the same damage every time
    std::string sound;
    {
        std::ifstream stream(file, std::ios::binary);
        sound.assign(std::istreambuf_iterator<char>(stream), {});
    }
    int refused = 0;
    for (int round = 0; round < 60; ++round)
    {
        std::string damaged = sound;
        const std::size_t start = random() % (damaged.size() - 5000);
        for (std::size_t i = start; i < start + 5000; ++i)
        {
            damaged[i] = static_cast<char>(random());
        }
        std::ofstream(file, std::ios::binary).write(damaged.data(), std::ssize(damaged));
        try
        {
            Index hurt(file);
            const auto rows = hurt.subtree(share, {}, {}, 5000);
            CHECK(rows.size() <= 5000);
            hurt.put(share, fileAt("f/new", 9999));
        }
        catch (const CorruptError&)
        {
            ++refused;
        }
    }
    CHECK(refused > 10);
}

TEST_CASE("Index: values that no entry has are a CorruptError")
{
    const TempFolder folder;
    const std::string file = folder / "index.db";
    const char* change = GENERATE("kind = 4",
                                  "kind = -1",
                                  "mode = 4096",
                                  "mtime_ns = 1000000000",
                                  "ctime_ns = -1",
                                  "size = -1",
                                  "hash = x'0102'",
                                  "target = zeroblob(5000)",
                                  "name = CAST('..' AS BLOB)",
                                  "name = x'00'",
                                  "name = x'612f62'",
                                  "folder = CAST('../x' AS BLOB)");
    CAPTURE(change);
    ShareId share = 0;
    {
        Index index(file);
        share = index.share("s").id;
        index.put(share, fileAt("a"));
    }
    Database(file).exec((std::string("UPDATE entry SET ") + change).c_str());
    Index index(file);
    CHECK_THROWS_AS(index.subtree(share, {}, {}, 9), CorruptError);
}

TEST_CASE("Index: a file without the tables is a CorruptError, a newer one an Error")
{
    const TempFolder folder;
    const std::string file = folder / "index.db";
    Database(file).exec("PRAGMA user_version = 1");
    CHECK_THROWS_AS(Index(file), CorruptError);
    Database(file).exec("PRAGMA user_version = 99");
    CHECK_THROWS_AS(Index(file), Error);
    std::ofstream(file) << "no database at all, but long enough to look at it for a while";
    CHECK_THROWS_AS(Index(file), CorruptError);
}
