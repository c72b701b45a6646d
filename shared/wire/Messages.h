// The messages between agent and relay: one struct each, their numbers and limits.
//
// docs/protocol.md describes every byte and the order of messages; limits have their home here.

#pragma once

#include "shared/base/Bytes.h"
#include "shared/model/Entry.h"
#include "shared/model/Proposal.h"

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace tidewire {

inline constexpr std::uint16_t kProtocolVersion = 1;

inline constexpr std::size_t kMaxAgentNameBytes = 64;
inline constexpr std::size_t kMaxShareNameBytes = 64;
inline constexpr std::size_t kMaxShares = 256; ///< in one HELLO
inline constexpr std::size_t kMaxBatch =
    1024; ///< proposals, results, revisions or fetches in one message
inline constexpr std::size_t kMaxMessageBytes =
    4 << 20; ///< body of any message but RESULT, before and after compression
/// A RESULT repeats at most the paths of its PROPOSE, and adds link targets and other metadata of heads.
inline constexpr std::size_t kMaxResultBytes =
    kMaxMessageBytes + kMaxBatch * (kMaxTargetBytes + 257);
inline constexpr std::size_t kMaxErrorText = 512;            ///< bytes of text in ERROR
inline constexpr std::uint32_t kMaxUploadFrames = 1U << 30U; ///< 128 TiB of literal bytes

/// Frames that a receiver keeps for later references, oldest out first. Each of these is a window of its own: on the way
/// up every share of a connection; on the way down the connection's FRAMEs for REVISIONS, and those for CONTENT. The
/// latter two are apart because live changes overtake contents on their way. Both sides count the same
/// FRAME messages, so they agree without talking about it. 8 frames are at most 1 MiB raw.
inline constexpr std::size_t kFrameWindow = 8;

/// Bytes of FRAME and CONTENT that the relay may send for fetches before it has to wait for CREDIT: what a fast link carries
/// while a busy board gets round to answering.
inline constexpr std::uint32_t kFetchCredit = 4 << 20;

/// Fetches of one connection that have not ended; one more is a violation.
inline constexpr std::size_t kMaxQueuedFetches = 1024;

/// Literal bytes in one CONTENT.
inline constexpr std::size_t kMaxLiteralBytes = 64 << 10;

/// Uploads of one connection that the relay keeps open; one more closes the one that was opened first (its frames stay).
inline constexpr std::size_t kMaxOpenUploads = 16;

/// UPLOAD_FRAMEs that an agent may send past the count in the last UPLOAD_STATE.
inline constexpr std::uint32_t kUploadWindow = 32;

/// Position of a share in the HELLO of this connection.
using ShareNumber = std::uint8_t;

/// Never renumber.
enum class MessageType : std::uint8_t
{
    Hello = 1,
    Welcome = 2,
    Error = 3,
    Ping = 4,
    Pong = 5,
    Frame = 6,
    Propose = 7,
    Result = 8,
    Revisions = 9,
    Cursor = 10,
    Fetch = 11,
    Content = 12,
    Credit = 13,
    UploadOpen = 14,
    UploadState = 15,
    UploadFrame = 16,
    Cancel = 17,
};

/// First message of an agent.
struct HelloMessage
{
    struct Share
    {
        std::string name;
        std::array<std::uint8_t, 16>
            incarnation{}; ///< of the store that `cursor` is from; zero: none
        Seq cursor = 0;
        std::uint64_t tag = 0; ///< tag of the revision `cursor`, as REVISIONS told it
        bool wantsFeed = true; ///< false: send-only, no REVISIONS are wanted
    };
    std::uint16_t version = kProtocolVersion;
    std::string agent;
    std::vector<Share> shares;
};

/// Never renumber.
enum class ShareStatus : std::uint8_t
{
    Continue = 0, ///< the feed starts after the cursor
    Reset =
        1, ///< the cursor means nothing here: the feed starts at 0, live heads only; see `sameStore`
    Unknown =
        2, ///< there is no such share, or it is not for this agent: nothing further is said about it
};

/// The relay's answer to HELLO, shares in the order of HELLO.
struct WelcomeMessage
{
    struct Share
    {
        ShareStatus status = ShareStatus::Unknown;
        std::array<std::uint8_t, 16> incarnation{};
        Seq head = 0;
        bool readOnly = false;
        /// Reset: true when the agent's cursor was from this very store and only tombstones were
        /// dropped since; an entry that the agent once synchronised and that is no head was deleted.
        bool sameStore = false;
    };
    std::uint16_t version = kProtocolVersion;
    std::vector<Share> shares;
};

/// Never renumber.
enum class ErrorCode : std::uint8_t
{
    ProtocolViolation = 1,
    UnsupportedVersion = 2,
    SecurityMismatch = 3,
    Replaced = 4, ///< a newer connection of the same agent has taken over
    Overloaded = 5,
    Internal = 6,
    ShuttingDown = 7,
    AccessChanged = 8, ///< what the agent may do has changed: connect again
};

/// Says why; the sender closes the connection after it.
struct ErrorMessage
{
    ErrorCode code = ErrorCode::Internal;
    std::string text; ///< for people; at most 512 bytes
};

struct PingMessage
{
    std::uint64_t token = 0;
};

struct PongMessage
{
    std::uint64_t token = 0; ///< the PING's
};

/// Which window of the receiver a frame goes into. Never renumber.
enum class FrameUse : std::uint8_t
{
    Live = 0,  ///< down: for REVISIONS; up: for PROPOSE
    Fetch = 1, ///< down only: for CONTENT; takes credit
};

/// Literal bytes; takes a new place in a frame window of the receiver, also when the frame is there already.
///
/// Up: `id` is the agent's, rising by one from 0 per connection and share. Down: the relay's id,
/// which names a frame together with the share.
struct FrameMessage
{
    ShareNumber share = 0;
    FrameUse use = FrameUse::Live;
    FrameId id = 0;
    Frame frame;
};

/// Changes that an agent asks for; answered by one RESULT with as many results, in order.
///
/// The Data operations of a proposal without upload name frames that are in the frame window of the share.
/// Within a message later proposals see the effects of the earlier ones.
struct ProposeMessage
{
    ShareNumber share = 0;
    std::vector<Proposal> proposals; ///< at most kMaxBatch
};

struct ResultMessage
{
    ShareNumber share = 0;
    std::vector<ProposalResult> results;
};

/// The next revisions after the agent's cursor, ascending but for parents (below).
///
/// A revision may come with a seq that is not above the cursor, or more than once: a folder that must exist for a later entry. A revision that
/// the agent has already, or one older than what it has of that path, is to be skipped.
struct RevisionsMessage
{
    struct Item
    {
        Revision revision;
        bool hasDelta = false; ///< the frames named in `delta` stand in the receiver's Live window
        Seq source = 0;        ///< revision that Copy operations read; 0: none
        Delta delta;
    };
    ShareNumber share = 0;
    std::vector<Item> items;
    Seq cursor = 0;        ///< the agent's cursor once it has taken these in
    std::uint64_t tag = 0; ///< tag of the revision `cursor`
    bool live = false;     ///< the cursor is at the head of the journal
};

/// Informs the relay how far the agent is; for its status only.
struct CursorMessage
{
    ShareNumber share = 0;
    Seq cursor = 0;
};

/// Asks for contents; each is answered by CONTENTs that end with Done or Gone.
struct FetchMessage
{
    struct Item
    {
        std::uint32_t id =
            0;        ///< chosen by the agent; not in use by another fetch of this connection
        Seq seq = 0;  ///< the file revision whose content is wanted
        Seq base = 0; ///< a revision whose content the agent has; 0: none
        std::uint64_t offset = 0; ///< bytes of the content that the agent has already
    };
    ShareNumber share = 0;
    std::vector<Item> items;
};

/// Never renumber.
enum class ContentStatus : std::uint8_t
{
    More = 0,
    Done = 1,
    Gone = 2, ///< the revision was dropped, or its frames are damaged: wait for the next revision
};

/// The next operations of a fetch. Data names frames in the connection's Fetch window. A fetch's operations come in the order
/// of the content; those of different fetches are interleaved.
struct ContentMessage
{
    std::uint32_t id = 0;
    ContentStatus status = ContentStatus::More;
    Delta ops; ///< Copy reads the FETCH's base
    Bytes
        literal; ///< bytes for operations of kind Data with frame == kLiteralFrame, offsets into this
};

/// Frame number in CONTENT that stands for the message's own literal bytes.
inline constexpr FrameId kLiteralFrame = ~FrameId{0};

/// The agent has digested so many bytes of bodies (as they were on the wire) of CONTENT and of FRAME with FrameUse::Fetch.
/// The relay never lets the credit rise above kFetchCredit.
struct CreditMessage
{
    std::uint32_t bytes = 0;
};

/// Begins or resumes an upload; answered by UPLOAD_STATE.
struct UploadOpenMessage
{
    ShareNumber share = 0;
    std::array<std::uint8_t, 16> token{};
    std::uint32_t capacity = 0; ///< most frames that will come; 1..kMaxUploadFrames
    bool restart = false;       ///< throw away what is staged
};

/// How much is staged; sent after UPLOAD_OPEN and then after at most every 4 UPLOAD_FRAMEs.
struct UploadStateMessage
{
    ShareNumber share = 0;
    std::array<std::uint8_t, 16> token{};
    std::uint32_t frames = 0;
    std::uint64_t digest = 0; ///< after UPLOAD_OPEN: see UploadState in the relay's store; else 0
    /// The relay could not store what came (a full disk, or the share is read-only for the agent): it skips what comes for
    /// this upload until the next UPLOAD_OPEN, which the agent sends after a while.
    bool failed = false;
};

struct UploadFrameMessage
{
    ShareNumber share = 0;
    std::array<std::uint8_t, 16> token{};
    std::uint32_t index = 0;
    Frame frame;
};

/// The agent no longer wants a fetch; the relay answers with a CONTENT Gone unless it had ended already.
struct CancelMessage
{
    std::uint32_t id = 0;
};

using Message = std::variant<HelloMessage,
                             WelcomeMessage,
                             ErrorMessage,
                             PingMessage,
                             PongMessage,
                             FrameMessage,
                             ProposeMessage,
                             ResultMessage,
                             RevisionsMessage,
                             CursorMessage,
                             FetchMessage,
                             ContentMessage,
                             CreditMessage,
                             UploadOpenMessage,
                             UploadStateMessage,
                             UploadFrameMessage,
                             CancelMessage>;

/// The whole message, header included, ready to be sent.
///
/// Bodies of 512 bytes and more are compressed when that makes them smaller, FRAME and UPLOAD_FRAME never.
/// Throws Error when a body exceeds the limit of its type: it is for the caller to cut batches before.
[[nodiscard]] Bytes encodeMessage(const Message& message);

/// encodeMessage() of a FRAME, without a copy of the frame.
[[nodiscard]] Bytes encodeFrame(ShareNumber share, FrameUse use, FrameId id, const Frame& frame);

/// Most bytes in the body of a message of this type, as it is on the wire and after decompression; 0 for an unknown type.
[[nodiscard]] std::size_t maxBodyBytes(std::uint8_t type);

/// Name of a message type for logs and errors, as in docs/protocol.md: "HELLO".
[[nodiscard]] const char* messageName(std::uint8_t type);

/// Type of a message.
[[nodiscard]] MessageType typeOf(const Message& message);

/// Bit of the type byte that says that the body is compressed.
inline constexpr std::uint8_t kCompressedBit = 0x80;

/// Bytes of the header: u32 length of what follows the length, u8 type (bit 7: the body is zlib-compressed).
inline constexpr std::size_t kMessageHeaderBytes = 5;

/// Decodes one message. Throws ProtocolError that says what is wrong. Takes memory in proportion to the bytes
/// that are there, never to what they announce.
[[nodiscard]] Message decodeMessage(std::uint8_t type, ByteView body);

/// Cuts a stream of bytes into messages.
///
/// Thread: one at a time.
/// Errors: ProtocolError; the object is of no use afterwards.
/// Cost:   holds what was fed and not taken: take all messages before feeding again, and it is one message at most.
class MessageReader
{
public:
    /// Takes bytes as they come, in pieces of any size. Throws ProtocolError for a type that does not exist or a length over its type's limit as soon as the header is there.
    void feed(ByteView bytes);

    /// The next whole message and its size on the wire; false when more bytes are needed.
    bool next(Message& message, std::size_t& wireBytes);

    /// A message has come in part.
    [[nodiscard]] bool isCut() const { return _checked != _buffer.size(); }

private:
    void checkHeaders();

    Bytes _buffer;
    std::size_t _begin = 0; // start of what is not consumed
    std::size_t _checked =
        0; // start of the first header that is not checked yet; may lie past the end
};

} // namespace tidewire
