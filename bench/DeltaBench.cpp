// How fast contents are hashed, compared and packed: one figure a line, in MB a second of CPU.

#include "shared/delta/ContentScan.h"
#include "shared/wire/FrameCodec.h"
#include "tests/shared/delta/VectorFile.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <random>
#include <string>

namespace tidewire {

namespace {

constexpr std::size_t kContentBytes = 64 << 20;

class NullSink: public DeltaSink
{
public:
    std::uint64_t literalBytes = 0;

    void copy(std::uint64_t /*offset*/, std::uint64_t /*length*/) override {}
    void literal(ByteView bytes) override { literalBytes += bytes.size(); }
    void zero(std::uint64_t /*length*/) override {}
};

Bytes randomBytes(std::uint64_t seed, std::size_t count)
{
    std::mt19937_64 engine(seed);
    Bytes result(count);
    for (std::uint8_t& byte : result)
    {
        byte = static_cast<std::uint8_t>(engine());
    }
    return result;
}

Bytes logText(std::size_t count)
{
    std::mt19937 engine(1);
    Bytes result;
    for (std::uint64_t time = 1700000000; result.size() < count;)
    {
        time += engine() % 3;
        const std::string line = std::to_string(time) + " kitchen sensor[" +
                                 std::to_string(engine() % 2000) +
                                 "]: temperature=" + std::to_string(engine() % 3000) +
                                 " humidity=" + std::to_string(engine() % 100) + "% status=ok\n";
        result.insert(result.end(), line.begin(), line.end());
    }
    result.resize(count);
    return result;
}

/// Runs `work` on `bytes` bytes five times and prints the best speed.
template <typename Work>
void measure(const char* name, std::size_t bytes, Work&& work)
{
    double best = 0;
    for (int i = 0; i < 5; ++i)
    {
        const std::clock_t begin = std::clock();
        work();
        const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
        best = std::max(best, static_cast<double>(bytes) / seconds / 1e6);
    }
    std::printf("%-44s %8.0f MB/s\n", name, best);
}

ScannedContent scan(VectorFile& file, const Signature* base, NullSink& sink)
{
    ContentScan content(file, file.stat().size, base, sink);
    while (content.step())
    {
    }
    return content.finish();
}

void measureScan(const char* name, const Bytes& content, const Signature* base)
{
    VectorFile file(content, 1 << 20);
    NullSink sink;
    measure(name, content.size(), [&] { static_cast<void>(scan(file, base, sink)); });
    std::printf("%-44s %8llu B\n",
                (std::string(name) + ", literal").c_str(),
                static_cast<unsigned long long>(sink.literalBytes / 5));
}

void measureScans()
{
    const Bytes content = randomBytes(1, kContentBytes);
    measure("BLAKE2b-256 alone", content.size(), [&] {
        for (std::size_t at = 0; at < content.size(); at += kMinLeafBytes)
        {
            static_cast<void>(hashLeaf(ByteView(content).subspan(at, kMinLeafBytes)));
        }
    });
    VectorFile file(content, 1 << 20);
    NullSink sink;
    const Signature base = scan(file, nullptr, sink).signature;

    measureScan("fresh: hash and signature", content, nullptr);
    measureScan("unchanged", content, &base);
    Bytes changed = content;
    changed[kContentBytes / 2] ^= 1U;
    measureScan("one byte changed", changed, &base);
    changed = content;
    for (std::size_t at = 0; at < changed.size(); at += 10000)
    {
        changed[at] ^= 1U;
    }
    measureScan("one byte in 10 KB changed", changed, &base);
    changed = content;
    changed.insert(changed.begin(), 7);
    measureScan("one byte inserted at the front", changed, &base);
    measureScan("wholly different", randomBytes(2, kContentBytes), &base);
    measureScan("all zeros, as data", Bytes(kContentBytes), &base);
}

void measureFrames(const char* packName, const char* unpackName, const Bytes& content)
{
    std::vector<Frame> frames;
    measure(packName, content.size(), [&] {
        frames.clear();
        for (std::size_t at = 0; at < content.size(); at += kFrameBytes)
        {
            frames.push_back(packFrame(ByteView(content).subspan(at, kFrameBytes)));
        }
    });
    measure(unpackName, content.size(), [&] {
        for (const Frame& frame : frames)
        {
            static_cast<void>(unpackFrame(frame));
        }
    });
    std::size_t stored = 0;
    for (const Frame& frame : frames)
    {
        stored += frame.stored.size();
    }
    const double percent =
        100.0 * static_cast<double>(stored) / static_cast<double>(content.size());
    std::printf("%-44s %8.1f %%\n", "  stored", percent);
}

void measureSmallFrames()
{
    const Bytes content = logText(4 << 20);
    measure("packFrame, log lines, 500 bytes each", content.size() / 500 * 500, [&] {
        for (std::size_t at = 0; at + 500 <= content.size(); at += 500)
        {
            static_cast<void>(packFrame(ByteView(content).subspan(at, 500)));
        }
    });
}

} // namespace

} // namespace tidewire

int main()
{
    tidewire::measureScans();
    tidewire::measureFrames(
        "packFrame, log lines", "unpackFrame, log lines", tidewire::logText(16 << 20));
    tidewire::measureFrames(
        "packFrame, random", "unpackFrame, random", tidewire::randomBytes(3, 16 << 20));
    tidewire::measureSmallFrames();
    return 0;
}
