// What happened in a simulation, for the person who looks into a failure.

#include "tests/sim/SimTrace.h"

#include "shared/base/Errors.h"

#include <array>
#include <cstdlib>
#include <iostream>
#include <sstream>

namespace tidewire {

namespace {

const char* nameOf(EntryKind kind)
{
    static constexpr std::array<const char*, 4> kNames = {"gone", "file", "folder", "link"};
    return kNames.at(static_cast<std::size_t>(kind));
}

void write(std::ostream& out, const Proposal& proposal)
{
    out << " " << proposal.id << ":" << printable(proposal.path.text()) << "="
        << nameOf(proposal.entry.kind) << "(base " << proposal.base << ")";
}

void write(std::ostream& out, const ProposalResult& result)
{
    static constexpr std::array<const char*, 4> kVerdicts = {
        "accepted", "repeated", "same", "refused"};
    out << " " << result.id << ":" << kVerdicts.at(static_cast<std::size_t>(result.verdict));
    if (result.verdict == Verdict::Refused)
    {
        out << "(" << static_cast<int>(result.refusal) << ")";
    }
    if (result.seq != 0)
    {
        out << " as " << result.seq;
    }
    if (result.head)
    {
        out << " head " << result.head->seq << " " << nameOf(result.head->entry.kind);
    }
}

void write(std::ostream& out, const RevisionsMessage::Item& item)
{
    out << " " << item.revision.seq << ":" << printable(item.revision.path.text()) << "="
        << nameOf(item.revision.entry.kind);
}

} // namespace

SimTrace::SimTrace(): _isLoud(std::getenv("TIDEWIRE_SIM_TRACE") != nullptr) {}

void SimTrace::add(const std::string& who, const std::string& what)
{
    _lines.push_back(who + ": " + what);
    if (_isLoud)
    {
        std::cerr << _lines.back() << "\n";
    }
    if (_lines.size() > kMaxLines)
    {
        _lines.pop_front();
    }
}

std::string SimTrace::text() const
{
    std::string all;
    for (const std::string& line : _lines)
    {
        all += line + "\n";
    }
    return all;
}

std::string describe(const Message& message)
{
    std::ostringstream out;
    out << messageName(static_cast<std::uint8_t>(typeOf(message)));
    if (const auto* hello = std::get_if<HelloMessage>(&message))
    {
        for (const auto& share : hello->shares)
        {
            out << " cursor " << share.cursor;
        }
    }
    else if (const auto* welcome = std::get_if<WelcomeMessage>(&message))
    {
        for (const auto& share : welcome->shares)
        {
            out << " status " << static_cast<int>(share.status) << " head " << share.head;
        }
    }
    else if (const auto* error = std::get_if<ErrorMessage>(&message))
    {
        out << " " << error->text;
    }
    else if (const auto* propose = std::get_if<ProposeMessage>(&message))
    {
        for (const Proposal& proposal : propose->proposals)
        {
            write(out, proposal);
        }
    }
    else if (const auto* result = std::get_if<ResultMessage>(&message))
    {
        for (const ProposalResult& one : result->results)
        {
            write(out, one);
        }
    }
    else if (const auto* revisions = std::get_if<RevisionsMessage>(&message))
    {
        for (const RevisionsMessage::Item& item : revisions->items)
        {
            write(out, item);
        }
        out << " cursor " << revisions->cursor << (revisions->live ? " live" : "");
    }
    return out.str();
}

} // namespace tidewire
