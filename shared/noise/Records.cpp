// Transport records: what a stream of bytes is cut into to be encrypted.

#include "shared/noise/Records.h"

#include "shared/base/Errors.h"

#include <algorithm>
#include <utility>

namespace tidewire {

namespace {

std::size_t bodyBytes(ByteView head)
{
    const std::size_t bytes = static_cast<std::size_t>(head[0]) | std::size_t{head[1]} << 8U;
    if (bytes <= kTagBytes)
    {
        throw ProtocolError("an encrypted record that holds nothing");
    }
    return bytes;
}

/// Counts a record and changes the key when it was the last one under it.
void count(std::uint64_t& records, CipherState& cipher)
{
    if (++records % kRekeyRecords == 0)
    {
        cipher.rekey();
    }
}

} // namespace

void RecordWriter::seal(Bytes& wire, std::size_t begin)
{
    wire.resize(wire.size() + kTagBytes);
    const MutableByteView body = MutableByteView(wire).subspan(begin + kRecordHeadBytes);
    wire[begin] = static_cast<std::uint8_t>(body.size() & 0xFFU);
    wire[begin + 1] = static_cast<std::uint8_t>(body.size() >> 8U);
    _cipher.encrypt({}, body);
    count(_records, _cipher);
}

ByteView RecordReader::next(MutableByteView& bytes)
{
    if (std::exchange(_isSpent, false))
    {
        _partial.clear();
    }
    if (_partial.empty() && bytes.size() >= kRecordHeadBytes)
    {
        const std::size_t whole = kRecordHeadBytes + bodyBytes(bytes);
        if (bytes.size() >= whole)
        {
            const MutableByteView record = bytes.first(whole);
            bytes = bytes.subspan(whole);
            return open(record);
        }
    }
    if (_partial.empty() && bytes.empty())
    {
        Bytes().swap(_partial); // in a stream of cut records it would be made anew for each
        return {};
    }
    gather(bytes, kRecordHeadBytes);
    if (_partial.size() < kRecordHeadBytes)
    {
        return {};
    }
    const std::size_t whole = kRecordHeadBytes + bodyBytes(_partial);
    gather(bytes, whole);
    if (_partial.size() < whole)
    {
        return {};
    }
    _isSpent = true;
    return open(_partial);
}

/// Moves bytes until `wanted` of the record are here.
void RecordReader::gather(MutableByteView& bytes, std::size_t wanted)
{
    if (_partial.size() < wanted && !bytes.empty())
    {
        _partial.reserve(wanted);
        const ByteView taken = bytes.first(std::min(wanted - _partial.size(), bytes.size()));
        _partial.insert(_partial.end(), taken.begin(), taken.end());
        bytes = bytes.subspan(taken.size());
    }
}

ByteView RecordReader::open(MutableByteView record)
{
    const ByteView plain = _cipher.decrypt({}, record.subspan(kRecordHeadBytes));
    count(_records, _cipher);
    return plain;
}

} // namespace tidewire
