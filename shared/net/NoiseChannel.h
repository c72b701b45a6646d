// The channels of `security = noise`: a handshake that proves both keys, then encrypted records.

#pragma once

#include "shared/net/Channel.h"
#include "shared/noise/IkHandshake.h"
#include "shared/noise/Records.h"

#include <functional>
#include <memory>
#include <optional>

namespace tidewire {

/// What both sides have in common: collecting a handshake message, and the records behind it.
///
/// Memory: the part of a record that has come, at most 64 KiB; before the handshake is through 96
///         bytes.
class NoiseChannel: public Channel
{
public:
    [[nodiscard]] bool ready() const override { return _writer.has_value(); }
    [[nodiscard]] bool isCut() const override;
    [[nodiscard]] std::size_t headroom() const override { return kRecordHeadBytes; }
    void seal(Bytes& wire, std::size_t begin) override { _writer.value().seal(wire, begin); }

protected:
    explicit NoiseChannel(std::size_t handshakeBytes): _handshakeBytes(handshakeBytes) {}

    /// Collects the peer's handshake message; true when it is whole.
    bool collect(MutableByteView& bytes);
    [[nodiscard]] bool hasWhole() const { return _handshake.size() == _handshakeBytes; }
    [[nodiscard]] ByteView handshake() const { return _handshake; }

    /// The handshake is through.
    void open(TransportKeys&& keys);

    [[nodiscard]] RecordReader& reader() { return _reader.value(); }

private:
    const std::size_t _handshakeBytes;
    Bytes _handshake;
    std::optional<RecordWriter> _writer;
    std::optional<RecordReader> _reader;
};

/// The agent's side: knows the relay's public key.
class NoiseInitiatorChannel: public NoiseChannel
{
public:
    NoiseInitiatorChannel(const KeyPair& own, const PublicKey& responder);

    void start(Bytes& wire) override;
    [[nodiscard]] ByteView receive(MutableByteView& bytes) override;

private:
    std::optional<IkInitiator> _handshake; // until the answer is here
};

/// The relay's side: learns the agent's public key from the handshake, and then asks if it is known.
class NoiseResponderChannel: public NoiseChannel
{
public:
    /// `isKnown` is asked in answer() for the key that the peer has proven. When it says no,
    /// ProtocolError follows and nothing was written, just as when nothing was proven.
    NoiseResponderChannel(std::shared_ptr<const KeyPair> own,
                          std::function<bool(const PublicKey&)> isKnown);

    void start(Bytes& /*wire*/) override {}
    [[nodiscard]] bool isAsked() const override { return hasWhole() && !ready(); }
    void answer(Bytes& wire) override;
    [[nodiscard]] ByteView receive(MutableByteView& bytes) override;

private:
    const std::shared_ptr<const KeyPair> _own; // one copy for all connections
    const std::function<bool(const PublicKey&)> _isKnown;
};

} // namespace tidewire
