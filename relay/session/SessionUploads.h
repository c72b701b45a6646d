// The uploads that one connection has open in one share.

#pragma once

#include "relay/session/ShareWriter.h"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace tidewire {

/// Checks the order and the window of UPLOAD_FRAMEs and says when UPLOAD_STATE is due.
///
/// Errors: ProtocolError for frames that are out of turn, beyond the window or of an upload that is not open.
class SessionUploads
{
public:
    /// `mayWrite` false: every upload fails.
    SessionUploads(ShareWriter& writer, ShareNumber share, bool mayWrite);

    void open(const std::string& agent, const UploadOpenMessage& message);
    void add(const std::string& agent, const UploadFrameMessage& message);

    /// True when the frames of an upload that is open here could not be stored.
    [[nodiscard]] bool hasFailed(const UploadToken& token) const;

    /// The upload was proposed: it has ended.
    void end(const UploadToken& token);

    /// After a commit: the UPLOAD_STATEs that are due.
    [[nodiscard]] std::vector<UploadStateMessage> takeStates();

private:
    struct Item
    {
        UploadToken token{};
        std::uint32_t capacity = 0;
        std::uint32_t next = 0;   // index of the frame that must come next
        std::uint32_t stated = 0; // frames in the last UPLOAD_STATE
        std::uint64_t digest = 0;
        bool opening = false; // UPLOAD_STATE after UPLOAD_OPEN is due
        bool failed = false;  // told so; frames are skipped
        std::shared_ptr<const BatchFate> fate;
    };

    [[nodiscard]] static bool isLost(const Item& item);
    [[nodiscard]] Item* find(const UploadToken& token);
    [[nodiscard]] const Item* find(const UploadToken& token) const;

    ShareWriter& _writer;
    const ShareNumber _share;
    const bool _mayWrite;
    std::deque<Item> _items; // oldest first
};

} // namespace tidewire
