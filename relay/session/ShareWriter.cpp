// Runs a batch against the store and keeps its answers until the commit.

#include "relay/session/ShareWriter.h"

#include "shared/daemon/LogEvent.h"

#include <cerrno>
#include <utility>

namespace tidewire {

namespace {

// Frames without a proposal wait for one, up to 8 MiB: a commit of its own would cost a flush of the disk.
constexpr std::size_t kMaxWaitingFrames = 64;

constexpr SteadyTime kFullLogInterval = std::chrono::minutes(1);

} // namespace

ShareWriter::ShareWriter(Store& store, std::string share, const Clock& clock):
    _store(store),
    _share(std::move(share)),
    _clock(clock),
    _log(Poco::Logger::get("relay.session"))
{
}

template <typename Action>
bool ShareWriter::attempt(Action action)
{
    if (_fate->lost)
    {
        return false;
    }
    try
    {
        action();
        return true;
    }
    catch (const ProtocolError&)
    {
        throw; // the agent's fault: the batch is as it was
    }
    catch (const StorageError& error)
    {
        lose(error, error.code());
    }
    catch (const Error& error)
    {
        lose(error, 0);
    }
    return false;
}

void ShareWriter::lose(const Error& error, int code)
{
    _fate->lost = true;
    // The authors of uploads have to be told, too.
    _due = true;
    const std::string text = "share " + _share + ": changes refused: " + error.what();
    if (code != ENOSPC && code != EDQUOT)
    {
        logWith(_log,
                Poco::Message::PRIO_ERROR,
                text,
                {.event = LogEvent::StoreFailed, .share = _share});
    }
    else if (!_fullLogged || _clock.steady() - *_fullLogged >= kFullLogInterval)
    {
        _fullLogged = _clock.steady();
        logWith(_log,
                Poco::Message::PRIO_ERROR,
                text,
                {.event = LogEvent::StoreFailed, .share = _share});
    }
    try
    {
        _store.rollback();
    }
    catch (const Error& failure)
    {
        // The store takes nothing more until a later batch, which fails as well, rolls it back.
        logWith(_log,
                Poco::Message::PRIO_ERROR,
                "share " + _share + ": cannot be rolled back: " + failure.what(),
                {.event = LogEvent::StoreFailed, .share = _share});
    }
}

FrameId ShareWriter::addFrame(const Frame& frame)
{
    FrameId id = 0;
    ++_stagedFrames;
    attempt([&] { id = _store.addFrame(frame); });
    return id;
}

std::optional<UploadState> ShareWriter::openUpload(const std::string& agent,
                                                   const UploadOpenMessage& message)
{
    std::optional<UploadState> state;
    setDue();
    attempt([&] {
        state = _store.openUpload(agent, message.token, message.capacity, message.restart);
    });
    return _fate->lost ? std::nullopt : state;
}

bool ShareWriter::addUploadFrame(const std::string& agent, const UploadFrameMessage& message)
{
    ++_stagedFrames;
    try
    {
        attempt([&] { _store.addUploadFrame(agent, message.token, message.index, message.frame); });
        return true;
    }
    catch (const ProtocolError& error)
    {
        // A failed sync may have cost the store frames of other batches, and it gives up uploads.
        logWith(_log,
                Poco::Message::PRIO_WARNING,
                "share " + _share + ", upload of " + agent + ": " + error.what(),
                {.share = _share, .peer = agent});
        setDue();
        return false;
    }
}

ProposalResult
ShareWriter::propose(const std::string& agent, ConnectionId connection, const Proposal& proposal)
{
    ProposalResult result;
    result.id = proposal.id;
    result.refusal = Refusal::StorageFull;
    attempt([&] {
        result = _store.propose(agent, proposal);
        result.id = proposal.id;
        if (result.verdict == Verdict::Accepted)
        {
            _origins[result.seq] = connection;
        }
    });
    return result;
}

void ShareWriter::answer(ConnectionId connection, ResultMessage result)
{
    for (const ProposalResult& one : result.results)
    {
        _answerBytes += sizeof one;
        if (one.head)
        {
            _answerBytes += one.head->path.text().size() + one.head->entry.target.size();
        }
    }
    _answers.push_back({connection, std::move(result)});
    setDue();
}

bool ShareWriter::isDue() const
{
    return _due || _stagedFrames >= kMaxWaitingFrames;
}

ShareWriter::Outcome ShareWriter::commit()
{
    Outcome outcome;
    attempt([&] { outcome.accepted = _store.commit(); });
    outcome.answers = std::exchange(_answers, {});
    _answerBytes = 0;
    outcome.origins = std::exchange(_origins, {});
    if (_fate->lost)
    {
        for (Answer& answer : outcome.answers)
        {
            for (ProposalResult& result : answer.result.results)
            {
                const std::uint32_t id = result.id;
                result = {};
                result.id = id;
                result.refusal = Refusal::StorageFull;
            }
        }
    }
    _fate = std::make_shared<BatchFate>();
    _stagedFrames = 0;
    _due = false;
    return outcome;
}

} // namespace tidewire
