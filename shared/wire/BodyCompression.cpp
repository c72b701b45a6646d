// zlib for message bodies, bounded by what was announced.

#include "shared/wire/BodyCompression.h"

#include "shared/base/ByteReader.h"
#include "shared/base/ByteWriter.h"
#include "shared/base/Errors.h"

#include <zlib.h>

#include <algorithm>
#include <new>

namespace tidewire {

namespace {

/// An inflating zlib stream that is closed at the end of its scope.
class Inflater
{
public:
    explicit Inflater(ByteView input)
    {
        // zlib's next_in is not const for historical reasons; it does not write there.
        _stream.next_in = const_cast<Bytef*>(input.data());
        _stream.avail_in = static_cast<uInt>(input.size());
        if (::inflateInit(&_stream) != Z_OK)
        {
            throw std::bad_alloc();
        }
    }
    ~Inflater() { ::inflateEnd(&_stream); }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    /// Fills `out` as far as the stream goes; gives back the bytes written. `ended` tells whether the stream ended.
    std::size_t read(MutableByteView out, bool& ended)
    {
        _stream.next_out = out.data();
        _stream.avail_out = static_cast<uInt>(out.size());
        const int code = ::inflate(&_stream, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        {
            throw ProtocolError("damaged compressed body");
        }
        ended = code == Z_STREAM_END;
        return out.size() - _stream.avail_out;
    }

    [[nodiscard]] bool inputLeft() const { return _stream.avail_in != 0; }

private:
    z_stream _stream{};
};

constexpr std::size_t kFirstChunk = 4096;

} // namespace

std::optional<Bytes> compressBody(ByteView body)
{
    Bytes result;
    ByteWriter(result).varint(body.size());
    const std::size_t header = result.size();
    if (body.size() <= header + 1)
    {
        return std::nullopt;
    }
    result.resize(body.size() - 1);
    uLongf length = static_cast<uLongf>(result.size() - header);
    // Level 1: on a slow core the time counts more than the last tenth of the size.
    if (::compress2(
            result.data() + header, &length, body.data(), static_cast<uLong>(body.size()), 1) !=
        Z_OK)
    {
        return std::nullopt;
    }
    result.resize(header + static_cast<std::size_t>(length));
    return result;
}

Bytes decompressBody(ByteView body, std::size_t limit)
{
    ByteReader reader(body);
    const auto rawLength = static_cast<std::size_t>(reader.varint(limit));
    if (!reader.ok())
    {
        throw ProtocolError("compressed body announces more than its type may have");
    }
    Inflater inflater(reader.rest());
    Bytes raw;
    std::size_t filled = 0;
    bool ended = false;
    while (!ended)
    {
        // One byte more than announced, so that a longer stream shows itself.
        raw.resize(std::min(rawLength + 1, std::max(kFirstChunk, filled * 2)));
        const std::size_t count = inflater.read(MutableByteView(raw).subspan(filled), ended);
        filled += count;
        if (filled > rawLength)
        {
            throw ProtocolError("compressed body is longer than announced");
        }
        if (count == 0 && !ended)
        {
            throw ProtocolError("compressed body is cut short");
        }
    }
    if (filled != rawLength || inflater.inputLeft())
    {
        throw ProtocolError("compressed body does not have the announced length");
    }
    raw.resize(filled);
    return raw;
}

} // namespace tidewire
