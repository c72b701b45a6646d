// One or more messages of every type, with the bytes that they must have.

#pragma once

#include "shared/wire/Messages.h"

#include <string>
#include <vector>

namespace tidewire {

struct SampleMessage
{
    std::string name;
    Message message;
    std::string hex; ///< golden; a change of it is a change of the protocol
};

inline RelativePath path(std::string_view text)
{
    return RelativePath::parse(text).value();
}

inline Hash hashOf(std::uint8_t fill)
{
    Hash hash;
    hash.bytes.fill(fill);
    return hash;
}

inline Entry fileEntry(std::uint64_t size, std::uint8_t fill)
{
    Entry entry;
    entry.kind = EntryKind::File;
    entry.mode = 0644;
    entry.mtime = {1700000000, 5};
    entry.size = size;
    entry.hash = hashOf(fill);
    return entry;
}

inline Entry folderEntry(std::uint32_t mode = 0755)
{
    Entry entry;
    entry.kind = EntryKind::Directory;
    entry.mode = mode;
    return entry;
}

inline Entry linkEntry(std::string target)
{
    Entry entry;
    entry.kind = EntryKind::Symlink;
    entry.mtime = {-1, 999999999};
    entry.target = std::move(target);
    return entry;
}

inline std::array<std::uint8_t, 16> sampleToken(std::uint8_t fill)
{
    std::array<std::uint8_t, 16> token{};
    token.fill(fill);
    return token;
}

inline Frame sampleFrame()
{
    Frame frame;
    frame.encoding = FrameEncoding::Raw;
    frame.rawLength = 5;
    frame.checksum = 0x0102030405060708;
    frame.stored = {'h', 'e', 'l', 'l', 'o'};
    return frame;
}

inline ProposeMessage samplePropose()
{
    ProposeMessage message;
    Proposal edit;
    edit.id = 7;
    edit.path = path("docs/a.txt");
    edit.base = 3;
    edit.seen = 9;
    edit.entry = fileEntry(105, 0xAA);
    edit.source = 3;
    edit.delta = {{OpKind::Copy, 0, 0, 100}, {OpKind::Data, 0, 0, 5}};
    Proposal upload = edit;
    upload.id = 8;
    upload.path = path("docs/b.bin");
    upload.base = 0;
    upload.source = 0;
    upload.upload = sampleToken(0x55);
    upload.delta = {{OpKind::Data, 0, 0, 105}};
    Proposal gone;
    gone.id = 9;
    gone.path = path("docs/old");
    gone.base = 4;
    gone.seen = 9;
    message.proposals = {edit, upload, gone};
    return message;
}

inline ResultMessage sampleResult()
{
    ResultMessage message;
    ProposalResult accepted;
    accepted.id = 7;
    accepted.verdict = Verdict::Accepted;
    accepted.seq = 10;
    ProposalResult refused;
    refused.id = 8;
    refused.refusal = Refusal::BaseChanged;
    refused.head = Revision{6, path("docs/b.bin"), linkEntry("../x"), "office"};
    message.results = {accepted, refused};
    return message;
}

inline RevisionsMessage sampleRevisions()
{
    RevisionsMessage message;
    message.cursor = 11;
    message.tag = 0x1122334455667788;
    message.live = true;
    RevisionsMessage::Item folder;
    folder.revision = {10, path("docs"), folderEntry(), "office"};
    RevisionsMessage::Item edit;
    edit.revision = {11, path("docs/a.txt"), fileEntry(105, 0xAA), "office"};
    edit.hasDelta = true;
    edit.source = 3;
    edit.delta = {{OpKind::Copy, 0, 0, 100}, {OpKind::Data, 17, 0, 5}};
    message.items = {folder, edit};
    return message;
}

inline ContentMessage sampleContent()
{
    ContentMessage message;
    message.id = 1;
    message.status = ContentStatus::Done;
    message.ops = {{OpKind::Copy, 0, 0, 100},
                   {OpKind::Data, kLiteralFrame, 0, 3},
                   {OpKind::Data, 17, 2, 3},
                   {OpKind::Zero, 0, 0, 1000}};
    message.literal = {'a', 'b', 'c'};
    return message;
}

inline std::vector<SampleMessage> sampleMessages()
{
    HelloMessage hello;
    hello.agent = "kitchen";
    hello.shares = {{"photos", sampleToken(0x11), 5, 0x0807060504030201, true},
                    {"config", {}, 0, 0, false}};
    WelcomeMessage welcome;
    welcome.shares = {{ShareStatus::Continue, sampleToken(0x11), 9, true, false},
                      {ShareStatus::Reset, sampleToken(0x22), 300, false, true}};
    FetchMessage fetch;
    fetch.items = {{1, 11, 3, 0}, {2, 12, 0, 4096}};
    return {
        {"HELLO",
         hello,
         "4e000000010100076b69746368656e020670686f746f731111111111111111111111111111111105"
         "01020304050607080106636f6e666967000000000000000000000000000000000000000000000000"
         "0000"},
        {"WELCOME",
         welcome,
         "2b000000020100020001111111111111111111111111111111110901022222222222222222222222"
         "2222222222ac02"},
        {"ERROR", ErrorMessage{ErrorCode::Replaced, "gone"}, "07000000030404676f6e65"},
        {"PING", PingMessage{1}, "09000000040100000000000000"},
        {"PONG", PongMessage{1}, "09000000050100000000000000"},
        {"FRAME",
         FrameMessage{1, FrameUse::Fetch, 300, sampleFrame()},
         "15000000060101ac02000508070605040302010568656c6c6f"},
        {"PROPOSE",
         samplePropose(),
         "8b0000000700030731000a646f63732f612e7478740312a40380c49fd50c0569aaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0302a0062900650505622e62696e0000"
         "000569aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa5555555555"
         "555555555555555555555501c906000005036f6c640400"},
        {"RESULT",
         sampleResult(),
         "28000000080002070414001b030c000a646f63732f622e62696e066f666669636501ff93ebdc0304"
         "2e2e2f78"},
        {"REVISIONS",
         sampleRevisions(),
         "580000000900010b88776655443322110202140004646f6373066f6666696365ed03390204062f61"
         "2e747874a40380c49fd50c0569aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaa0302a0062d2200"},
        {"CURSOR", CursorMessage{1, 300}, "040000000a01ac02"},
        {"FETCH", fetch, "0c0000000b0002010b0300000c008020"},
        {"CONTENT", sampleContent(), "100000000c010104a006191d2402c23e03616263"},
        {"CREDIT", CreditMessage{131072}, "040000000d808008"},
        {"UPLOAD_OPEN",
         UploadOpenMessage{0, sampleToken(0x55), 80, true},
         "140000000e00555555555555555555555555555555555001"},
        {"UPLOAD_STATE",
         UploadStateMessage{0, sampleToken(0x55), 4, 7, false},
         "1c0000000f005555555555555555555555555555555504070000000000000000"},
        {"UPLOAD_FRAME",
         UploadFrameMessage{0, sampleToken(0x55), 4, sampleFrame()},
         "2300000010005555555555555555555555555555555504000508070605040302010568656c6c6f"},
        {"CANCEL", CancelMessage{2}, "020000001102"},
    };
}

} // namespace tidewire
