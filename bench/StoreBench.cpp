// Measures the relay's store on a real disk: proposals a second by batch size, and frames in MB/s.

#include "relay/store/EmbeddedStore.h"
#include "shared/fs/PosixFileSystem.h"
#include "shared/wire/FrameCodec.h"
#include "tests/support/TempFolder.h"

#include <chrono>
#include <cstdio>
#include <random>
#include <string>

using namespace tidewire;

namespace {

constexpr std::uint32_t kUploadFrames = 1024;

class Stopwatch
{
public:
    [[nodiscard]] double seconds() const
    {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - _start).count();
    }

private:
    const std::chrono::steady_clock::time_point _start = std::chrono::steady_clock::now();
};

Bytes noise(std::size_t size)
{
    std::mt19937 random(1);
    Bytes bytes(size);
    for (std::uint8_t& byte : bytes)
    {
        byte = static_cast<std::uint8_t>(random());
    }
    return bytes;
}

Proposal fileProposal(const std::string& path, std::uint64_t size)
{
    Proposal proposal;
    proposal.path = *RelativePath::parse(path);
    proposal.entry.kind = EntryKind::File;
    proposal.entry.mode = 0644;
    proposal.entry.size = size;
    return proposal;
}

/// New files of 1000 bytes, each in a frame of its own.
void proposeFiles(Store& store, const char* label, int count, int perCommit)
{
    const Frame frame = packFrame(noise(1000));
    const Stopwatch watch;
    for (int i = 0; i < count; ++i)
    {
        Proposal proposal =
            fileProposal(std::string("file-").append(label).append(std::to_string(i)), 1000);
        proposal.delta = {Op{OpKind::Data, store.addFrame(frame), 0, 1000}};
        if (store.propose("bench", proposal).verdict != Verdict::Accepted)
        {
            std::puts("a proposal was refused");
        }
        if ((i + 1) % perCommit == 0)
        {
            store.commit();
        }
    }
    store.commit();
    std::printf("proposals, %4d per commit: %8.0f /s\n", perCommit, count / watch.seconds());
}

void uploadAndRead(Store& store)
{
    const Frame frame = packFrame(noise(kFrameBytes));
    const UploadToken token{1};
    const double megabytes = double{kUploadFrames} * kFrameBytes / 1e6;
    const Stopwatch writing;
    store.openUpload("bench", token, kUploadFrames, true);
    for (std::uint32_t i = 0; i < kUploadFrames; ++i)
    {
        store.addUploadFrame("bench", token, i, frame);
        if (i % 8 == 7)
        {
            store.commit();
        }
    }
    Proposal proposal = fileProposal("big", std::uint64_t{kUploadFrames} * kFrameBytes);
    proposal.upload = token;
    proposal.delta = {Op{OpKind::Data, 0, 0, proposal.entry.size}};
    const ProposalResult result = store.propose("bench", proposal);
    store.commit();
    std::printf("upload frames written:     %8.1f MB/s\n", megabytes / writing.seconds());

    const FrameId first = store.recipe(result.seq)->front().frame;
    const Stopwatch reading;
    for (std::uint32_t i = 0; i < kUploadFrames; ++i)
    {
        (void)store.readFrame(first + i);
    }
    std::printf("frames read and checked:   %8.1f MB/s\n", megabytes / reading.seconds());
}

/// Appends of 200 bytes to one file, with the upkeep that keeps its recipe short.
void growLog(Store& store, const Clock& clock)
{
    constexpr std::uint64_t kLine = 200;
    constexpr int kAppends = 2000;
    const Frame frame = packFrame(noise(kLine));
    const Stopwatch watch;
    Seq head = 0;
    for (int i = 0; i < kAppends; ++i)
    {
        const std::uint64_t size = static_cast<std::uint64_t>(i) * kLine;
        Proposal proposal = fileProposal("log", size + kLine);
        proposal.base = head;
        proposal.source = head;
        if (size != 0)
        {
            proposal.delta.push_back(Op{OpKind::Copy, 0, 0, size});
        }
        proposal.delta.push_back(Op{OpKind::Data, store.addFrame(frame), 0, kLine});
        head = store.propose("bench", proposal).seq;
        store.commit();
        while (store.maintain(clock.wallSeconds()))
        {
        }
    }
    std::printf("appends, upkeep included:  %8.0f /s, %zu pieces in the end\n",
                kAppends / watch.seconds(),
                store.recipe(head)->size());
}

} // namespace

int main()
{
    const TempFolder folder;
    PosixFileSystem disk(folder.path());
    const SystemClock clock;
    EmbeddedStore store(disk, folder.path(), "bench", clock);
    std::printf("folder %s\n", folder.path().c_str());
    proposeFiles(store, "a", 1000, 1);
    proposeFiles(store, "b", 20000, 100);
    proposeFiles(store, "c", 100000, 1000);
    uploadAndRead(store);
    growLog(store, clock);
}
