// Transport records: what a stream of bytes is cut into to be encrypted.

#pragma once

#include "shared/base/Bytes.h"
#include "shared/noise/CipherState.h"

#include <cstdint>

namespace tidewire {

/// The length of the encrypted bytes, u16 LE, in front of each record.
inline constexpr std::size_t kRecordHeadBytes = 2;

/// Most plain bytes of a record; with the tag they fill what the head can say and Noise allows.
inline constexpr std::size_t kMaxRecordPlainBytes = 65535 - kTagBytes;

/// Both sides rekey a direction after so many records of it: at most 1 GiB under one key, far below
/// what the cipher bears, and what an idle connection has said long ago cannot be had with its key.
inline constexpr std::uint64_t kRekeyRecords = 16384;

/// Makes records.
///
/// Thread: one.
class RecordWriter
{
public:
    explicit RecordWriter(CipherState cipher): _cipher(std::move(cipher)) {}

    /// `wire` holds from `begin` on kRecordHeadBytes of room and 1 to kMaxRecordPlainBytes plain bytes;
    /// they become a record in place.
    void seal(Bytes& wire, std::size_t begin);

private:
    CipherState _cipher;
    std::uint64_t _records = 0;
};

/// Reads records from a stream that comes in pieces of any size.
///
/// Thread: one.
/// Errors: ProtocolError for a record that is empty, changed, repeated, left out or out of its turn; no
///         byte of it is given out, and the object is of no use afterwards.
/// Memory: the record that has come in part, at most 64 KiB, and nothing between records.
class RecordReader
{
public:
    explicit RecordReader(CipherState cipher): _cipher(std::move(cipher)) {}

    /// Takes bytes from the front of `bytes` and gives back the plain bytes of the next record;
    /// nothing when `bytes` is empty and more is needed. Decrypts in place: the result lies in `bytes`
    /// or in this object and is good until the next call.
    [[nodiscard]] ByteView next(MutableByteView& bytes);

    /// A record has come in part.
    [[nodiscard]] bool isCut() const { return !_partial.empty() && !_isSpent; }

private:
    [[nodiscard]] ByteView open(MutableByteView record);
    void gather(MutableByteView& bytes, std::size_t wanted);

    CipherState _cipher;
    std::uint64_t _records = 0;
    Bytes _partial;        // head and body of a record, as far as they have come
    bool _isSpent = false; // what is in _partial was given out
};

} // namespace tidewire
