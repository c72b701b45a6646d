// The seam between messages and the bytes on the wire: plain or encrypted.

#pragma once

#include "shared/base/Bytes.h"

namespace tidewire {

/// Turns outgoing plain bytes into wire bytes and incoming wire bytes into plain ones.
///
/// A channel may need a handshake first: start() gives its first bytes, receive() the further ones,
/// and ready() tells when plain bytes may pass. It owns no socket and keeps no unsent bytes.
///
/// Thread: one at a time.
/// Errors: ProtocolError from receive() for bytes that the peer may not send (a failed
///         authentication included); the channel is of no use afterwards.
class Channel
{
public:
    virtual ~Channel() = default;

    /// Appends to `wire` what goes out before anything was received. Called once.
    virtual void start(Bytes& wire) = 0;

    /// True once the handshake is through.
    [[nodiscard]] virtual bool ready() const = 0;

    /// True when wire bytes and plain bytes are the same: once ready(), receive() and seal() may be
    /// left out.
    [[nodiscard]] virtual bool isTransparent() const { return false; }

    /// Takes bytes as they come, in pieces of any size. Appends to `plain` what they hold, and to
    /// `wire` what the handshake answers.
    virtual void receive(ByteView bytes, Bytes& plain, Bytes& wire) = 0;

    /// Appends the wire form of `plain` to `wire`. Only when ready().
    virtual void seal(ByteView plain, Bytes& wire) = 0;
};

/// The channel of `security = none`: the bytes as they are, no handshake.
class PlainChannel: public Channel
{
public:
    void start(Bytes& /*wire*/) override {}
    [[nodiscard]] bool ready() const override { return true; }
    [[nodiscard]] bool isTransparent() const override { return true; }
    void receive(ByteView bytes, Bytes& plain, Bytes& /*wire*/) override
    {
        plain.insert(plain.end(), bytes.begin(), bytes.end());
    }
    void seal(ByteView plain, Bytes& wire) override
    {
        wire.insert(wire.end(), plain.begin(), plain.end());
    }
};

} // namespace tidewire
