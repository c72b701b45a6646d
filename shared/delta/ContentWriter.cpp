// Writes a content through one buffer, keeps holes, and hashes what it writes.

#include "shared/delta/ContentWriter.h"

#include "shared/base/Errors.h"
#include "shared/delta/Extents.h"

#include <algorithm>
#include <cstring>

namespace tidewire {

namespace {

constexpr std::uint64_t kBufferBytes = 256U << 10U;

// Little enough to be read between two other steps of a worker.
constexpr std::uint64_t kReadBackBytes = 1 << 20;

// Large enough for a flash card to erase and write in whole blocks, small against what it takes in
// a second.
constexpr std::uint64_t kWritebackBytes = 4 << 20;

// From here on the file is lengthened before zeros are hashed: a filesystem that cannot hold a file
// of that size says so at once, not after hours.
constexpr std::uint64_t kLongHole = std::uint64_t{1} << 30U;

} // namespace

class ContentWriter::Impl
{
public:
    Impl(File& out, std::uint64_t size, File* base, std::uint64_t resumeAt);

    [[nodiscard]] std::uint64_t position() const { return _builder.position() + _used; }
    [[nodiscard]] bool readBack();
    void copy(std::uint64_t offset, std::uint64_t length);
    void data(ByteView bytes);
    void zero(std::uint64_t length);
    void flush();
    std::optional<std::pair<Hash, Signature>> finish();

private:
    void checkRoom(std::uint64_t length) const;
    void copyData(std::uint64_t offset, std::uint64_t length);
    void settle();
    void writeBack();
    [[nodiscard]] MutableByteView room(std::uint64_t wanted);
    void commit(MutableByteView bytes);

    // Constant after construction.
    File& _out;
    std::uint64_t _size;
    File* _base;
    std::uint64_t _resumeAt;
    std::uint64_t _baseSize = 0;

    SignatureBuilder _builder;
    std::unique_ptr<std::uint8_t[]>
        _buffer; ///< what stands before position() and is not yet hashed
    std::size_t _capacity;
    std::size_t _used = 0;
    std::size_t _flushed = 0;       ///< bytes of the buffer that the file has
    std::uint64_t _writtenBack = 0; ///< offset up to which writing to the medium was begun
    std::uint64_t _uncached = 0;    ///< offset up to which the page cache was told to forget
    Extent _baseData;               ///< data of the base; saves asking again for the next operation
};

ContentWriter::Impl::Impl(File& out, std::uint64_t size, File* base, std::uint64_t resumeAt):
    _out(out),
    _size(size),
    _base(base),
    _resumeAt(resumeAt),
    _builder(size),
    _capacity(static_cast<std::size_t>(std::min(kBufferBytes, size)))
{
    if (resumeAt > size)
    {
        throw CorruptError("more was written than the content has");
    }
    _buffer = std::make_unique_for_overwrite<std::uint8_t[]>(_capacity);
    if (_base != nullptr)
    {
        _baseSize = _base->stat().size;
    }
    // A hole at the end of the first part is not in the file's size yet; a later part may be.
    if (_out.stat().size != resumeAt)
    {
        _out.truncate(resumeAt);
    }
    _writtenBack = resumeAt;
}

bool ContentWriter::Impl::readBack()
{
    const std::uint64_t end = std::min(_resumeAt, position() + kReadBackBytes);
    while (position() < end)
    {
        const Extent data = nextExtent(_out, position(), end);
        _builder.addZeros(data.begin - position());
        while (position() < data.end)
        {
            const std::uint64_t count = std::min<std::uint64_t>(_capacity, data.end - position());
            const MutableByteView part(_buffer.get(), static_cast<std::size_t>(count));
            readFully(_out, position(), part);
            _builder.add(part);
        }
    }
    return position() < _resumeAt;
}

void ContentWriter::Impl::copy(std::uint64_t offset, std::uint64_t length)
{
    checkRoom(length);
    if (_base == nullptr || offset > _baseSize || length > _baseSize - offset)
    {
        throw CorruptError("copies from beyond the end of the base");
    }
    const std::uint64_t end = offset + length;
    while (offset < end)
    {
        if (offset < _baseData.begin || offset >= _baseData.end)
        {
            _baseData = nextExtent(*_base, offset, _baseSize);
        }
        if (_baseData.begin > offset)
        {
            const std::uint64_t hole = std::min(_baseData.begin, end) - offset;
            zero(hole);
            offset += hole;
            continue;
        }
        const std::uint64_t count = std::min(_baseData.end, end) - offset;
        copyData(offset, count);
        offset += count;
    }
}

void ContentWriter::Impl::copyData(std::uint64_t offset, std::uint64_t length)
{
    while (length > 0)
    {
        const MutableByteView part = room(length);
        readFully(*_base, offset, part);
        commit(part);
        offset += part.size();
        length -= part.size();
    }
}

void ContentWriter::Impl::data(ByteView bytes)
{
    checkRoom(bytes.size());
    while (!bytes.empty())
    {
        const MutableByteView part = room(bytes.size());
        std::memcpy(part.data(), bytes.data(), part.size());
        commit(part);
        bytes = bytes.subspan(part.size());
    }
}

void ContentWriter::Impl::zero(std::uint64_t length)
{
    checkRoom(length);
    settle();
    if (length >= kLongHole)
    {
        _out.truncate(position() + length);
    }
    _builder.addZeros(length);
}

void ContentWriter::Impl::flush()
{
    if (_used > _flushed)
    {
        _out.write(_builder.position() + _flushed, {_buffer.get() + _flushed, _used - _flushed});
        _flushed = _used;
    }
}

/// Empties the buffer. It is hashed in one piece, which is quicker than part by part.
void ContentWriter::Impl::settle()
{
    flush();
    _builder.add({_buffer.get(), _used});
    _used = 0;
    _flushed = 0;
    if (position() - _writtenBack >= kWritebackBytes)
    {
        writeBack();
    }
}

void ContentWriter::Impl::writeBack()
{
    _out.startWriteback(_writtenBack, position() - _writtenBack);
    if (_size >= kUncachedBytes && _writtenBack - _uncached >= 2 * kWritebackBytes)
    {
        // A disk that keeps up has all but the last stretch by now.
        const std::uint64_t end = _writtenBack - kWritebackBytes;
        _out.dropFromCache(_uncached, end - _uncached);
        _uncached = end;
    }
    _writtenBack = position();
}

std::optional<std::pair<Hash, Signature>> ContentWriter::Impl::finish()
{
    if (position() != _size)
    {
        return std::nullopt;
    }
    settle();
    if (_out.stat().size != _size)
    {
        _out.truncate(_size); // it ends with a hole
    }
    std::pair<Hash, Signature> result;
    result.second = _builder.finish(result.first);
    return result;
}

void ContentWriter::Impl::checkRoom(std::uint64_t length) const
{
    if (length > _size - position())
    {
        throw CorruptError("writes more than the content has");
    }
}

// Where the next bytes go, up to `wanted` of them; commit() them before the next call.
MutableByteView ContentWriter::Impl::room(std::uint64_t wanted)
{
    if (_used == _capacity)
    {
        settle();
    }
    const std::uint64_t count = std::min<std::uint64_t>(wanted, _capacity - _used);
    return {_buffer.get() + _used, static_cast<std::size_t>(count)};
}

void ContentWriter::Impl::commit(MutableByteView bytes)
{
    _used += bytes.size();
}

ContentWriter::ContentWriter(File& out, std::uint64_t size, File* base, std::uint64_t resumeAt):
    _impl(std::make_unique<Impl>(out, size, base, resumeAt))
{
}

ContentWriter::~ContentWriter() = default;

bool ContentWriter::readBack()
{
    return _impl->readBack();
}

std::uint64_t ContentWriter::position() const
{
    return _impl->position();
}

void ContentWriter::copy(std::uint64_t offset, std::uint64_t length)
{
    _impl->copy(offset, length);
}

void ContentWriter::data(ByteView bytes)
{
    _impl->data(bytes);
}

void ContentWriter::zero(std::uint64_t length)
{
    _impl->zero(length);
}

void ContentWriter::flush()
{
    _impl->flush();
}

std::optional<std::pair<Hash, Signature>> ContentWriter::finish()
{
    return _impl->finish();
}

} // namespace tidewire
