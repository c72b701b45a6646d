// What a decoded message takes in memory.

#include "shared/net/MessageCost.h"

namespace tidewire {

namespace {

/// Adds up the dynamic parts of each kind of message.
struct Sum
{
    std::size_t operator()(const HelloMessage& hello) const
    {
        return hello.shares.capacity() * (sizeof(HelloMessage::Share) + kMaxShareNameBytes);
    }
    std::size_t operator()(const WelcomeMessage& welcome) const
    {
        return welcome.shares.capacity() * sizeof(WelcomeMessage::Share);
    }
    std::size_t operator()(const ErrorMessage& error) const { return error.text.capacity(); }
    std::size_t operator()(const FrameMessage& frame) const
    {
        return frame.frame.stored.capacity();
    }
    std::size_t operator()(const UploadFrameMessage& frame) const
    {
        return frame.frame.stored.capacity();
    }
    std::size_t operator()(const ProposeMessage& propose) const
    {
        std::size_t sum = propose.proposals.capacity() * sizeof(Proposal);
        for (const Proposal& proposal : propose.proposals)
        {
            sum += of(proposal.entry) + proposal.path.text().size() + of(proposal.delta);
        }
        return sum;
    }
    std::size_t operator()(const ResultMessage& result) const
    {
        std::size_t sum = result.results.capacity() * sizeof(ProposalResult);
        for (const ProposalResult& one : result.results)
        {
            sum += one.head ? of(*one.head) : 0;
        }
        return sum;
    }
    std::size_t operator()(const RevisionsMessage& revisions) const
    {
        std::size_t sum = revisions.items.capacity() * sizeof(RevisionsMessage::Item);
        for (const RevisionsMessage::Item& item : revisions.items)
        {
            sum += of(item.revision) + of(item.delta);
        }
        return sum;
    }
    std::size_t operator()(const FetchMessage& fetch) const
    {
        return fetch.items.capacity() * sizeof(FetchMessage::Item);
    }
    std::size_t operator()(const ContentMessage& content) const
    {
        return of(content.ops) + content.literal.capacity();
    }
    template <typename Fixed>
    std::size_t operator()(const Fixed& /*message*/) const
    {
        return 0;
    }

private:
    static std::size_t of(const std::vector<Op>& ops) { return ops.capacity() * sizeof(Op); }
    static std::size_t of(const Entry& entry) { return entry.target.size(); }
    static std::size_t of(const Revision& revision)
    {
        return revision.path.text().size() + revision.agent.size() + of(revision.entry);
    }
};

} // namespace

std::size_t memoryCost(const Message& message)
{
    return sizeof(Message) + std::visit(Sum{}, message);
}

} // namespace tidewire
