// The bytes of segment files, and decoding damaged ones.

#include "relay/store/Segments.h"

#include "shared/base/Errors.h"
#include "shared/wire/FrameCodec.h"
#include "tests/support/MemoryFileSystem.h"

#include <catch2/catch.hpp>

#include <random>

using namespace tidewire;

namespace {

Frame textFrame(std::string_view text)
{
    return packFrame(asBytes(text));
}

RecordHeader headerOf(FrameId id, const Frame& frame)
{
    return RecordHeader{id,
                        frame.encoding,
                        static_cast<std::uint32_t>(frame.stored.size()),
                        frame.rawLength,
                        frame.checksum};
}

struct SegmentsFixture
{
    SegmentsFixture()
    {
        disk.createDirectory(*RelativePath::parse("s"), 0700);
        segments.open({});
    }

    MemoryFileSystem disk;
    Segments segments{disk, *RelativePath::parse("s"), {1, 2, 3}, 1000};
};

} // namespace

TEST_CASE("SegmentFormat: a record has these bytes", "[store][segments]")
{
    const Frame frame{FrameEncoding::Raw, 2, 0x1122334455667788, {'h', 'i'}};
    Bytes record;
    encodeRecord(0x0A0B, frame, record);

    const Bytes expected{'T', 'W', 'F',  'R',  0,    0,    0,    0,    2,    0,   0,
                         0,   2,   0,    0,    0,    0x0B, 0x0A, 0,    0,    0,   0,
                         0,   0,   0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
    REQUIRE(record.size() == kRecordHeaderBytes + 2);
    CHECK(Bytes(record.begin(), record.begin() + 32) == expected);
    CHECK(Bytes(record.end() - 2, record.end()) == frame.stored);
    CHECK(decodeRecordHeader(record) == headerOf(0x0A0B, frame));
    CHECK(encodeSegmentHeader({9}, 7).size() == kSegmentHeaderBytes);
}

TEST_CASE("SegmentFormat: no damaged header is taken", "[store][segments]")
{
    Bytes record;
    encodeRecord(5, textFrame("hello"), record);
    for (std::size_t bit = 0; bit < kRecordHeaderBytes * 8; ++bit)
    {
        Bytes damaged = record;
        damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        CAPTURE(bit);
        CHECK_FALSE(decodeRecordHeader(damaged));
    }
    for (std::size_t size = 0; size < kRecordHeaderBytes; ++size)
    {
        CHECK_FALSE(decodeRecordHeader(ByteView(record).first(size)));
    }
}

TEST_CASE_METHOD(SegmentsFixture,
                 "Segments: lanes have files of their own and rotate",
                 "[store][segments]")
{
    const Frame frame = textFrame(std::string(600, 'x') + "abc");
    const FramePlace small = segments.append(SegmentLane::Small, 1, frame);
    const FramePlace bulk = segments.append(SegmentLane::Bulk, 2, frame);
    CHECK(small.segment != bulk.segment);
    std::uint32_t last = small.segment;
    for (FrameId id = 3; id < 60; ++id)
    {
        const FramePlace place = segments.append(SegmentLane::Small, id, frame);
        CHECK(place.offset < 1000);
        last = place.segment;
    }
    CHECK(last > bulk.segment);
    CHECK(segments.read(bulk, headerOf(2, frame)).stored == frame.stored);
}

TEST_CASE_METHOD(SegmentsFixture,
                 "Segments: only a synced lane tells its sizes, until they are kept",
                 "[store][segments]")
{
    const Frame frame = textFrame("hello");
    const FramePlace place = segments.append(SegmentLane::Bulk, 1, frame);
    segments.keep();
    CHECK(segments.hasUnknown(place.segment));
    CHECK(segments.sync(SegmentLane::Small).empty());

    const auto sizes = segments.sync(SegmentLane::Bulk);

    REQUIRE(sizes.size() == 1);
    CHECK(sizes[0].number == place.segment);
    CHECK(sizes[0].size == kSegmentHeaderBytes + kRecordHeaderBytes + frame.stored.size());
    segments.keep();
    CHECK_FALSE(segments.hasUnknown(place.segment));
    CHECK(segments.sync(SegmentLane::Bulk).empty());
}

TEST_CASE_METHOD(SegmentsFixture,
                 "Segments: a failed sync loses what was kept but not synced",
                 "[store][segments]")
{
    (void)segments.append(SegmentLane::Bulk, 1, textFrame("hello"));
    segments.keep();
    disk.setHook([](std::string_view operation, const RelativePath& path) {
        if (operation == "sync")
        {
            throw StorageError(operation, path.text(), 5);
        }
    });
    CHECK_THROWS_AS(segments.sync(SegmentLane::Bulk), StorageError);
    disk.setHook({});

    segments.rollback();

    CHECK(segments.takeLost(SegmentLane::Bulk));
    CHECK_FALSE(segments.takeLost(SegmentLane::Bulk));
    CHECK(segments.append(SegmentLane::Bulk, 1, textFrame("hello")).segment == 2);
}

TEST_CASE_METHOD(SegmentsFixture,
                 "Segments: a place that holds another frame is damage",
                 "[store][segments]")
{
    const Frame frame = textFrame("hello");
    const FramePlace first = segments.append(SegmentLane::Small, 1, frame);
    const FramePlace second = segments.append(SegmentLane::Small, 2, textFrame("world"));

    CHECK_THROWS_AS(segments.read(second, headerOf(1, frame)), CorruptError);
    CHECK_THROWS_AS(segments.read(FramePlace{first.segment, 33}, headerOf(1, frame)), CorruptError);
    CHECK_THROWS_AS(segments.read(FramePlace{first.segment, 1 << 20}, headerOf(1, frame)),
                    CorruptError);
    CHECK_THROWS_AS(segments.read(FramePlace{77, 32}, headerOf(1, frame)), CorruptError);
}
