#include "relay/store/Uploads.h"

#include "shared/base/ByteWriter.h"
#include "shared/base/Errors.h"
#include "shared/wire/Messages.h"

#include <xxhash.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace tidewire {

namespace {

using HashState = std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)>;

void addChecksum(XXH3_state_t& state, std::uint64_t checksum)
{
    Bytes bytes;
    ByteWriter(bytes).u64(checksum);
    XXH3_64bits_update(&state, bytes.data(), bytes.size());
}

} // namespace

Uploads::Uploads(Database& database, FramePool& pool):
    _pool(pool),
    _select(database, "SELECT first, capacity, touched FROM upload WHERE agent = ? AND token = ?"),
    _insert(database, "INSERT OR REPLACE INTO upload VALUES(?, ?, ?, ?, ?)"),
    _touch(database, "UPDATE upload SET touched = ? WHERE agent = ? AND token = ?"),
    _delete(database, "DELETE FROM upload WHERE agent = ? AND token = ?"),
    _count(database, "SELECT count(*) FROM upload WHERE agent = ?"),
    _oldestOf(database, "SELECT token FROM upload WHERE agent = ? ORDER BY touched LIMIT 1"),
    _oldest(database, "SELECT agent, token FROM upload WHERE touched <= ? LIMIT 1"),
    _all(database, "SELECT first, capacity FROM upload"),
    _checksums(database, "SELECT checksum FROM frame WHERE id BETWEEN ? AND ? ORDER BY id")
{
}

Uploads::Upload* Uploads::load(const Key& key)
{
    if (const auto found = _uploads.find(key); found != _uploads.end())
    {
        return &found->second;
    }
    Upload upload;
    {
        Query query(_select, std::string_view(key.agent), ByteView(key.token));
        if (!query.next())
        {
            return nullptr;
        }
        upload.first = query.u64(0);
        upload.capacity = query.u32(1);
        upload.touched = query.i64(2);
        if (upload.first == 0 || upload.first > kMaxFrameId || upload.capacity == 0)
        {
            query.corrupt("an upload has a wrong range");
        }
    }
    if (const auto last = _pool.lastIn(upload.first, upload.first + upload.capacity - 1))
    {
        upload.durable = static_cast<std::uint32_t>(*last - upload.first + 1);
        upload.durableRaw = _pool.rawLength(*last);
        upload.lastRaw = upload.durableRaw;
    }
    return &_uploads.emplace(key, std::move(upload)).first->second;
}

void Uploads::remember(const Key& key)
{
    if (!_before.contains(key))
    {
        const auto found = _uploads.find(key);
        _before.emplace(key, found == _uploads.end() ? std::nullopt : std::optional(found->second));
    }
}

std::uint64_t Uploads::digest(const Upload& upload)
{
    const HashState state(XXH3_createState(), &XXH3_freeState);
    XXH3_64bits_reset(state.get());
    if (upload.durable != 0)
    {
        Query query(_checksums, upload.first, upload.first + upload.durable - 1);
        while (query.next())
        {
            addChecksum(*state, query.u64(0));
        }
    }
    for (const StagedFrame& frame : upload.waiting)
    {
        addChecksum(*state, frame.header.checksum);
    }
    return XXH3_64bits_digest(state.get());
}

bool Uploads::isNew(const std::string& agent, const UploadToken& token, std::uint32_t capacity)
{
    if (capacity == 0 || capacity > kMaxUploadFrames)
    {
        throw ProtocolError("an upload of " + std::to_string(capacity) + " frames");
    }
    const Upload* upload = load(Key{agent, token});
    return upload == nullptr || upload->capacity != capacity;
}

UploadState Uploads::open(const std::string& agent,
                          const UploadToken& token,
                          std::uint32_t capacity,
                          std::int64_t wallSeconds)
{
    const Key key{agent, token};
    if (isNew(agent, token, capacity))
    {
        close(key);
        makeRoom(agent);
        remember(key);
        Upload upload;
        upload.first = _pool.reserve(capacity);
        upload.capacity = capacity;
        upload.touched = wallSeconds;
        Query(_insert,
              std::string_view(agent),
              ByteView(token),
              upload.first,
              upload.capacity,
              wallSeconds)
            .run();
        _uploads[key] = std::move(upload);
    }
    const Upload& upload = *load(key);
    return UploadState{upload.staged(), digest(upload)};
}

void Uploads::makeRoom(const std::string& agent)
{
    std::optional<Key> oldest;
    {
        Query count(_count, std::string_view(agent));
        if (!count.next() || count.u64(0) < kMaxUploadsPerAgent)
        {
            return;
        }
        Query query(_oldestOf, std::string_view(agent));
        if (query.next() && query.blob(0).size() == UploadToken().size())
        {
            oldest = Key{agent, {}};
            std::ranges::copy(query.blob(0), oldest->token.begin());
        }
    }
    if (oldest)
    {
        close(*oldest);
    }
}

void Uploads::check(const std::string& agent,
                    const UploadToken& token,
                    std::uint32_t index,
                    const Frame& frame)
{
    const Upload* upload = load(Key{agent, token});
    if (upload == nullptr)
    {
        throw ProtocolError("a frame of an upload that is not open");
    }
    if (index != upload->staged() || index >= upload->capacity)
    {
        throw ProtocolError("upload frame " + std::to_string(index) + " where " +
                            std::to_string(upload->staged()) + " was due");
    }
    if (index != 0 && upload->lastRaw != kFrameBytes)
    {
        throw ProtocolError("an upload goes on after a short frame");
    }
    if (!isWellFormed(frame))
    {
        throw ProtocolError("an upload frame with wrong lengths");
    }
}

void Uploads::add(const std::string& agent,
                  const UploadToken& token,
                  const Frame& frame,
                  std::int64_t wallSeconds)
{
    const Key key{agent, token};
    remember(key);
    Upload& upload = *load(key);
    upload.waiting.push_back(_pool.stage(SegmentLane::Bulk, upload.first + upload.staged(), frame));
    upload.waitingBytes += frame.rawLength;
    upload.lastRaw = frame.rawLength;
    upload.touched = wallSeconds;
}

std::optional<UploadRange> Uploads::find(const std::string& agent, const UploadToken& token)
{
    const Upload* upload = load(Key{agent, token});
    if (upload == nullptr)
    {
        return std::nullopt;
    }
    return UploadRange{upload->first, upload->staged(), upload->lastRaw};
}

void Uploads::persist(const std::string& agent, const UploadToken& token, std::int64_t wallSeconds)
{
    const Key key{agent, token};
    if (Upload* upload = load(key); upload != nullptr)
    {
        persist(key, *upload, wallSeconds);
    }
}

void Uploads::persist(const Key& key, Upload& upload, std::int64_t wallSeconds)
{
    if (upload.waiting.empty())
    {
        return;
    }
    remember(key);
    for (const StagedFrame& frame : upload.waiting)
    {
        _pool.insert(SegmentLane::Bulk, frame);
    }
    upload.durable = upload.staged();
    upload.durableRaw = upload.lastRaw;
    upload.waiting.clear();
    upload.waitingBytes = 0;
    Query(_touch, wallSeconds, std::string_view(key.agent), ByteView(key.token)).run();
}

void Uploads::close(const std::string& agent, const UploadToken& token)
{
    close(Key{agent, token});
}

void Uploads::close(const Key& key)
{
    const Upload* upload = load(key);
    if (upload == nullptr)
    {
        return;
    }
    remember(key);
    _pool.giveBack(upload->first + upload->staged(), upload->capacity - upload->staged());
    _pool.noteGarbage();
    Query(_delete, std::string_view(key.agent), ByteView(key.token)).run();
    _uploads.erase(key);
}

bool Uploads::isDue(const Upload& upload, std::int64_t before)
{
    return !upload.waiting.empty() &&
           (upload.waitingBytes >= kUploadStepBytes || upload.touched <= before);
}

bool Uploads::isDue(std::int64_t before) const
{
    return std::ranges::any_of(_uploads,
                               [&](const auto& item) { return isDue(item.second, before); });
}

void Uploads::persistDue(std::int64_t before, std::int64_t wallSeconds)
{
    for (auto& [key, upload] : _uploads)
    {
        if (isDue(upload, before))
        {
            persist(key, upload, wallSeconds);
        }
    }
}

bool Uploads::sweep(std::int64_t cutoff)
{
    std::optional<Key> abandoned;
    {
        Query query(_oldest, cutoff);
        if (!query.next())
        {
            return false;
        }
        if (query.blob(1).size() != UploadToken().size())
        {
            query.corrupt("an upload has a wrong token");
        }
        abandoned = Key{std::string(query.text(0)), {}};
        std::ranges::copy(query.blob(1), abandoned->token.begin());
    }
    close(*abandoned);
    return true;
}

std::vector<Op> Uploads::ranges()
{
    std::vector<Op> ranges;
    Query query(_all);
    while (query.next())
    {
        const FrameId first = query.u64(0);
        if (const auto last = _pool.lastIn(first, first + query.u32(1) - 1))
        {
            ranges.push_back(Op{OpKind::Data, first, 0, (*last - first + 1) * kFrameBytes});
        }
    }
    return ranges;
}

void Uploads::keep()
{
    _before.clear();
}

void Uploads::forget(bool lost)
{
    for (auto& [key, upload] : _before)
    {
        if (upload)
        {
            _uploads[key] = std::move(*upload);
        }
        else
        {
            _uploads.erase(key);
        }
    }
    _before.clear();
    if (lost)
    {
        for (auto& [key, upload] : _uploads)
        {
            upload.waiting.clear();
            upload.waitingBytes = 0;
            upload.lastRaw = upload.durableRaw;
        }
    }
}

} // namespace tidewire
