// The bodies of the messages: one encoder and one decoder each; internal to shared/wire.

#pragma once

#include "shared/base/ByteReader.h"
#include "shared/base/ByteWriter.h"
#include "shared/wire/Messages.h"

namespace tidewire {

void encodeBody(ByteWriter& writer, const HelloMessage& message);
void encodeBody(ByteWriter& writer, const WelcomeMessage& message);
void encodeBody(ByteWriter& writer, const ErrorMessage& message);
void encodeBody(ByteWriter& writer, const PingMessage& message);
void encodeBody(ByteWriter& writer, const PongMessage& message);
void encodeBody(ByteWriter& writer, const FrameMessage& message);
void encodeFrameBody(
    ByteWriter& writer, ShareNumber share, FrameUse use, FrameId id, const Frame& frame);
void encodeBody(ByteWriter& writer, const ProposeMessage& message);
void encodeBody(ByteWriter& writer, const ResultMessage& message);
void encodeBody(ByteWriter& writer, const RevisionsMessage& message);
void encodeBody(ByteWriter& writer, const CursorMessage& message);
void encodeBody(ByteWriter& writer, const FetchMessage& message);
void encodeBody(ByteWriter& writer, const ContentMessage& message);
void encodeBody(ByteWriter& writer, const CreditMessage& message);
void encodeBody(ByteWriter& writer, const UploadOpenMessage& message);
void encodeBody(ByteWriter& writer, const UploadStateMessage& message);
void encodeBody(ByteWriter& writer, const UploadFrameMessage& message);
void encodeBody(ByteWriter& writer, const CancelMessage& message);

/// Each fails the reader for what the message cannot be; bytes behind it are left unread.
void decodeBody(ByteReader& reader, HelloMessage& message);
void decodeBody(ByteReader& reader, WelcomeMessage& message);
void decodeBody(ByteReader& reader, ErrorMessage& message);
void decodeBody(ByteReader& reader, PingMessage& message);
void decodeBody(ByteReader& reader, PongMessage& message);
void decodeBody(ByteReader& reader, FrameMessage& message);
void decodeBody(ByteReader& reader, ProposeMessage& message);
void decodeBody(ByteReader& reader, ResultMessage& message);
void decodeBody(ByteReader& reader, RevisionsMessage& message);
void decodeBody(ByteReader& reader, CursorMessage& message);
void decodeBody(ByteReader& reader, FetchMessage& message);
void decodeBody(ByteReader& reader, ContentMessage& message);
void decodeBody(ByteReader& reader, CreditMessage& message);
void decodeBody(ByteReader& reader, UploadOpenMessage& message);
void decodeBody(ByteReader& reader, UploadStateMessage& message);
void decodeBody(ByteReader& reader, UploadFrameMessage& message);
void decodeBody(ByteReader& reader, CancelMessage& message);

/// Flags of single messages.
inline constexpr std::uint8_t kHelloWantsFeed = 0x01;
inline constexpr std::uint8_t kWelcomeReadOnly = 0x01;
inline constexpr std::uint8_t kWelcomeSameStore = 0x02;
inline constexpr std::uint8_t kRevisionsLive = 0x01;
inline constexpr std::uint8_t kUploadRestart = 0x01;
inline constexpr std::uint8_t kUploadFailed = 0x01;

/// RESULT: bits 0 and 1 are the verdict, bits 4 to 7 the refusal.
inline constexpr std::uint8_t kVerdictMask = 0x03;
inline constexpr std::uint8_t kResultHasSeq = 0x04;
inline constexpr std::uint8_t kResultHasHead = 0x08;
inline constexpr unsigned kRefusalShift = 4;

} // namespace tidewire
