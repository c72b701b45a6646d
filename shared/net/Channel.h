// The seam between messages and the bytes on the wire: plain or encrypted.

#pragma once

#include "shared/base/Bytes.h"

#include <utility>

namespace tidewire {

/// Turns outgoing plain bytes into wire bytes and incoming wire bytes into plain ones.
///
/// A channel may need a handshake first: start() gives its first bytes, receive() takes those of the
/// peer, and ready() tells when plain bytes may pass. It owns no socket and keeps no unsent bytes.
///
/// Thread: one at a time.
/// Errors: ProtocolError from receive() and answer() for bytes that the peer may not send (a failed
///         authentication included); the channel is of no use afterwards.
class Channel
{
public:
    /// Most plain bytes that seal() takes at once: what fills one record of the Noise framework.
    static constexpr std::size_t kMaxSealBytes = 65519;

    virtual ~Channel() = default;

    /// Appends to `wire` what goes out before anything was received. Called once.
    virtual void start(Bytes& wire) = 0;

    /// True once the handshake is through.
    [[nodiscard]] virtual bool ready() const = 0;

    /// True when wire bytes and plain bytes are the same: once ready(), receive() and seal() may be
    /// left out.
    [[nodiscard]] virtual bool isTransparent() const { return false; }

    /// True when the peer's part of the handshake is here and waits for answer(). That costs the
    /// processor so much that the owner decides when; until then nothing is to be received.
    [[nodiscard]] virtual bool isAsked() const { return false; }

    /// Appends to `wire` this side's part. Only when isAsked().
    virtual void answer(Bytes& /*wire*/) {}

    /// Takes bytes from the front of `bytes`, as they come, in pieces of any size, and gives back a
    /// piece of what they hold; call it until that is empty. May change the bytes that it takes. The
    /// result is good until the next call.
    [[nodiscard]] virtual ByteView receive(MutableByteView& bytes) = 0;

    /// What was received ends in the middle of something.
    [[nodiscard]] virtual bool isCut() const { return false; }

    /// Bytes of room that seal() needs in front of the plain ones.
    [[nodiscard]] virtual std::size_t headroom() const { return 0; }

    /// `wire` holds from `begin` on headroom() bytes and 1 to kMaxSealBytes plain ones; they become
    /// their wire form in place. Only when ready().
    virtual void seal(Bytes& wire, std::size_t begin) = 0;
};

/// The channel of `security = none`: the bytes as they are, no handshake.
class PlainChannel: public Channel
{
public:
    void start(Bytes& /*wire*/) override {}
    [[nodiscard]] bool ready() const override { return true; }
    [[nodiscard]] bool isTransparent() const override { return true; }
    [[nodiscard]] ByteView receive(MutableByteView& bytes) override
    {
        return std::exchange(bytes, {});
    }
    void seal(Bytes& /*wire*/, std::size_t /*begin*/) override {}
};

} // namespace tidewire
