#include "relay/store/Collector.h"

#include "relay/store/Journal.h"
#include "shared/base/Errors.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace tidewire {

namespace {

constexpr std::uint64_t kMarksPerStep = 20000;
constexpr std::uint64_t kMarksPerRecipe = 50; // what loading one costs, in marks
constexpr std::uint64_t kCopyBytesPerStep = 2 << 20;

} // namespace

Collector::Collector(Database& database,
                     Segments& segments,
                     FramePool& pool,
                     Uploads& uploads,
                     const StoreOptions& options):
    _segments(segments),
    _pool(pool),
    _uploads(uploads),
    _options(options),
    _clearMarks(database, "DELETE FROM temp.mark"),
    _nextRecipe(database,
                "SELECT seq, recipe FROM revision WHERE seq > ? AND kind = 1 ORDER BY seq LIMIT 1"),
    _nextSegment(database,
                 "SELECT number, size, written FROM segment WHERE number > ? "
                 "ORDER BY number LIMIT 1"),
    _livingBytes(database,
                 "SELECT coalesce(sum(f.stored + ?), 0) FROM frame f "
                 "JOIN temp.mark m ON m.id = f.id WHERE f.segment = ?"),
    _living(database,
            "SELECT f.id, f.stored FROM frame f JOIN temp.mark m ON m.id = f.id "
            "WHERE f.segment = ? ORDER BY f.id")
{
}

bool Collector::isDue(std::int64_t nowSeconds) const
{
    const bool rested = !_hasRun || nowSeconds < _startedAt ||
                        nowSeconds - _startedAt >= std::max<std::int64_t>(_options.collectEvery, 1);
    return _pool.garbage() != 0 && rested;
}

bool Collector::step(std::int64_t nowSeconds)
{
    switch (_phase)
    {
    case Phase::Idle:
        if (!isDue(nowSeconds))
        {
            return false;
        }
        start(nowSeconds);
        break;
    case Phase::Mark:
        markSome();
        break;
    case Phase::DropDead:
    case Phase::CopyLiving:
        if (_copying != 0)
        {
            copySome();
        }
        else
        {
            sweepNext(nowSeconds);
        }
        break;
    }
    return true;
}

void Collector::start(std::int64_t nowSeconds)
{
    _phase = Phase::Mark;
    _hasRun = true;
    _startedAt = nowSeconds;
    _garbageSeen = _pool.garbage();
    _leftSome = false;
    _marked = 0;
    _segment = 0;
    _copying = 0;
    Query(_clearMarks).run();
    _pool.setMarking(true);
    const std::vector<Op> uploads = _uploads.ranges();
    _ranges.assign(uploads.begin(), uploads.end());
}

void Collector::markSome()
{
    std::uint64_t budget = kMarksPerStep;
    while (budget != 0)
    {
        if (_ranges.empty())
        {
            if (!loadRecipe())
            {
                _phase = Phase::DropDead;
                return;
            }
            budget -= std::min(budget, kMarksPerRecipe);
            continue;
        }
        Op& range = _ranges.front();
        const std::uint64_t bytes = range.offset + range.length;
        const std::uint64_t frames = (bytes + kFrameBytes - 1) / kFrameBytes;
        if (frames <= budget)
        {
            _pool.mark(range);
            _ranges.pop_front();
            budget -= frames;
            continue;
        }
        const std::uint64_t part = budget * kFrameBytes - range.offset;
        _pool.mark(Op{OpKind::Data, range.frame, range.offset, part});
        range = Op{OpKind::Data, range.frame + budget, 0, range.length - part};
        budget = 0;
    }
}

bool Collector::loadRecipe()
{
    Query query(_nextRecipe, _marked);
    if (!query.next())
    {
        return false;
    }
    _marked = query.u64(0);
    for (const Op& op : Journal::decodeRecipe(query, 1))
    {
        if (op.kind == OpKind::Data)
        {
            _ranges.push_back(op);
        }
    }
    return true;
}

void Collector::sweepNext(std::int64_t nowSeconds)
{
    std::uint64_t size = 0;
    std::int64_t written = 0;
    {
        Query query(_nextSegment, _segment);
        if (!query.next())
        {
            endPass();
            return;
        }
        _segment = query.u32(0);
        size = query.u64(1);
        written = query.i64(2);
    }
    std::uint64_t living = 0;
    {
        Query query(_livingBytes, kRecordHeaderBytes, _segment);
        living = query.next() ? query.u64(0) : 0;
    }
    const bool isRecent = written > nowSeconds - _options.settle || _segments.hasUnknown(_segment);
    if (living * 2 >= size || isRecent)
    {
        _leftSome = _leftSome || living * 2 < size;
    }
    else if (living == 0)
    {
        _pool.dropSegment(_segment);
    }
    else if (_phase == Phase::CopyLiving)
    {
        _segments.seal(_segment);
        _copying = _segment;
    }
}

void Collector::endPass()
{
    _segment = 0;
    if (_phase == Phase::DropDead)
    {
        // Room first: copying needs some.
        _phase = Phase::CopyLiving;
    }
    else
    {
        finish();
    }
}

void Collector::copySome()
{
    std::vector<FrameId> living;
    {
        std::uint64_t budget = kCopyBytesPerStep;
        Query query(_living, _copying);
        while (budget != 0 && query.next())
        {
            living.push_back(query.u64(0));
            budget -= std::min(budget, query.u64(1) + kRecordHeaderBytes);
        }
    }
    if (living.empty())
    {
        _pool.dropSegment(std::exchange(_copying, 0));
        return;
    }
    try
    {
        for (const FrameId id : living)
        {
            _pool.relocate(id, SegmentLane::Upkeep);
        }
    }
    catch (const CorruptError&)
    {
        // What is left of the segment may be all that a repair can work with.
        _copying = 0;
    }
}

void Collector::finish()
{
    _phase = Phase::Idle;
    _pool.setMarking(false);
    _pool.clearGarbage(_leftSome ? _garbageSeen - 1 : _garbageSeen);
    _ranges.clear();
    Query(_clearMarks).run();
}

void Collector::abandon()
{
    _phase = Phase::Idle;
    _pool.setMarking(false);
    _ranges.clear();
}

} // namespace tidewire
