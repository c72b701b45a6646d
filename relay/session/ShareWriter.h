// The writing side of a share: collects what all connections want written until it is committed in one go.

#pragma once

#include "relay/session/RelayCore.h"
#include "shared/base/Clock.h"
#include "shared/base/Errors.h"

#include <Poco/Logger.h>

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace tidewire {

/// What became of a batch; shared by everything that was staged in it.
struct BatchFate
{
    bool lost = false; ///< rolled back: the frames of the batch do not exist
};

/// The open batch of one share.
///
/// After a failure of the store the batch is rolled back, and everything until the next commit() is refused without trying:
/// all answers of a batch stand or fall together.
///
/// Thread:    one.
/// Ownership: borrows the store and the clock.
/// Errors:    the calls for writing throw nothing for a failing store; see above.
/// Memory:    answers of kMaxAnswerBytes and of one PROPOSE, when the owner commits as soon as isFull().
class ShareWriter
{
public:
    static constexpr std::size_t kMaxAnswerBytes = std::size_t{1} << 20U;

    /// The answer to one PROPOSE, due after the commit.
    struct Answer
    {
        ConnectionId connection = 0;
        ResultMessage result;
    };

    /// What a commit has brought.
    struct Outcome
    {
        std::vector<Answer> answers;
        std::vector<Accepted> accepted;
        std::unordered_map<Seq, ConnectionId> origins; ///< of the accepted revisions
    };

    ShareWriter(Store& store, std::string share, const Clock& clock);

    /// Stages a frame. A number of no meaning when the batch is lost.
    FrameId addFrame(const Frame& frame);

    /// Nothing when the batch is lost.
    std::optional<UploadState> openUpload(const std::string& agent,
                                          const UploadOpenMessage& message);

    /// False when the store does not have the frames before this one, or not the upload: the agent has to open it again.
    bool addUploadFrame(const std::string& agent, const UploadFrameMessage& message);

    [[nodiscard]] ProposalResult
    propose(const std::string& agent, ConnectionId connection, const Proposal& proposal);

    /// Keeps an answer until the commit.
    void answer(ConnectionId connection, ResultMessage result);

    /// Fate of what is staged now.
    [[nodiscard]] std::shared_ptr<const BatchFate> fate() const { return _fate; }

    /// Somebody waits for an answer, or enough is staged.
    [[nodiscard]] bool isDue() const;

    /// So many answers wait that the batch should end now.
    [[nodiscard]] bool isFull() const { return _answerBytes >= kMaxAnswerBytes; }

    /// Asks for a commit at the next flush.
    void setDue() { _due = true; }

    /// Something is staged or to be answered.
    [[nodiscard]] bool isOpen() const { return _due || _stagedFrames > 0; }

    /// Makes the batch durable and begins a new one. The answers of a lost batch say StorageFull.
    Outcome commit();

private:
    template <typename Action>
    bool attempt(Action action);
    void lose(const Error& error, int code);

    Store& _store;
    const std::string _share;
    const Clock& _clock;
    Poco::Logger& _log;
    std::shared_ptr<BatchFate> _fate = std::make_shared<BatchFate>();
    std::vector<Answer> _answers;
    std::unordered_map<Seq, ConnectionId> _origins;
    std::size_t _stagedFrames = 0;
    std::size_t _answerBytes = 0; // in memory
    bool _due = false;
    std::optional<SteadyTime> _fullLogged; // when a full disk was last put into the log
};

} // namespace tidewire
