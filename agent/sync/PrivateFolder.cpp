#include "agent/sync/PrivateFolder.h"

#include "shared/base/Errors.h"

#include <Poco/HexBinaryDecoder.h>
#include <Poco/HexBinaryEncoder.h>

#include <algorithm>
#include <cerrno>
#include <sstream>

namespace tidewire {

namespace {

constexpr std::size_t kMaxMarkerBytes = 512;
constexpr std::string_view kFreshMarker = "marker.new";
constexpr std::string_view kMarkerText = "tidewire folder, do not delete\n";

RelativePath inside(std::string_view name)
{
    return *RelativePath::parse(std::string(kPrivateFolder) + "/" + std::string(name));
}

RelativePath folder()
{
    return *RelativePath::parse(kPrivateFolder);
}

std::string toHex(const MarkerId& id)
{
    std::ostringstream text;
    Poco::HexBinaryEncoder encoder(text);
    encoder.write(reinterpret_cast<const char*>(id.data()),
                  static_cast<std::streamsize>(id.size()));
    encoder.close();
    return text.str();
}

std::optional<MarkerId> fromHex(const std::string& text)
{
    MarkerId id{};
    if (text.size() != id.size() * 2 || !std::all_of(text.begin(), text.end(), [](unsigned char c) {
            return std::isxdigit(c) != 0;
        }))
    {
        return std::nullopt;
    }
    std::istringstream source(text);
    Poco::HexBinaryDecoder decoder(source);
    decoder.read(reinterpret_cast<char*>(id.data()), static_cast<std::streamsize>(id.size()));
    return id;
}

void makeFolder(FileSystem& files, const RelativePath& path)
{
    const auto stat = files.stat(path);
    if (!stat)
    {
        files.createDirectory(path, 0700);
    }
    else if (stat->kind != FileKind::Directory)
    {
        throw StorageError("use as a folder", path.text(), ENOTDIR);
    }
}

std::unique_ptr<File> openLock(FileSystem& files)
{
    const RelativePath path = inside("lock");
    if (!files.stat(path))
    {
        try
        {
            return files.createFile(path, 0600);
        }
        catch (const StorageError& error)
        {
            if (error.code() != EEXIST)
            {
                throw;
            }
        }
    }
    return files.openWrite(path);
}

/// Without a marker the folder is in doubt, as it was before: a filesystem that cannot exchange may show that for a moment.
void replaceMarker(FileSystem& files, const RelativePath& fresh)
{
    try
    {
        if (files.exchange(fresh, inside("marker")) == RenameOutcome::Done)
        {
            files.removeFile(fresh);
        }
    }
    catch (const StorageError& error)
    {
        if (error.code() != EINVAL && error.code() != ENOSYS)
        {
            throw;
        }
        files.removeFile(inside("marker"));
        static_cast<void>(files.renameNoReplace(fresh, inside("marker")));
    }
}

} // namespace

std::optional<Marker> PrivateFolder::readMarker() const
{
    if (!_files.stat(inside("marker")))
    {
        return std::nullopt;
    }
    const auto file = _files.openRead(inside("marker"));
    Bytes content(kMaxMarkerBytes);
    content.resize(file->read(0, content));
    std::string text(asText(content));
    if (!text.starts_with(kMarkerText))
    {
        throw CorruptError("the file .tidewire/marker is not one of tidewire's");
    }
    std::istringstream lines(text.substr(kMarkerText.size()));
    Marker marker;
    std::string hex;
    std::getline(lines, marker.share);
    std::getline(lines, hex);
    const auto id = fromHex(hex);
    if (!id)
    {
        throw CorruptError("the file .tidewire/marker is damaged");
    }
    marker.id = *id;
    return marker;
}

void PrivateFolder::writeMarker(const Marker& marker)
{
    prepare();
    const RelativePath fresh = temporary(kFreshMarker);
    {
        const auto file = _files.createFile(fresh, 0600);
        file->write(
            0, asBytes(std::string(kMarkerText) + marker.share + "\n" + toHex(marker.id) + "\n"));
        file->sync();
    }
    if (_files.renameNoReplace(fresh, inside("marker")) == RenameOutcome::TargetExists)
    {
        replaceMarker(_files, fresh);
    }
    _files.syncDirectory(folder());
    _files.syncDirectory(RelativePath());
}

void PrivateFolder::prepare()
{
    makeFolder(_files, folder());
    makeFolder(_files, inside("tmp"));
    // Of an earlier run that was cut off: nobody's content.
    if (const RelativePath fresh = temporary(kFreshMarker); _files.stat(fresh))
    {
        _files.removeFile(fresh);
    }
}

std::unique_ptr<File> PrivateFolder::lock()
{
    try
    {
        makeFolder(_files, folder());
        std::unique_ptr<File> file = openLock(_files);
        switch (file->tryLock())
        {
        case LockOutcome::Locked:
            return file;
        case LockOutcome::Busy:
            throw Error("the folder is kept by another agent already (.tidewire/lock)");
        case LockOutcome::Unsupported:
            break;
        }
    }
    catch (const StorageError& error)
    {
        if (error.code() != EROFS)
        {
            throw;
        }
    }
    return nullptr;
}

RelativePath PrivateFolder::temporary(std::string_view name)
{
    return inside("tmp/" + std::string(name));
}

RelativePath PrivateFolder::partial(std::uint64_t seq)
{
    return temporary(std::string(kPartialPrefix).append(std::to_string(seq)));
}

std::vector<std::string> PrivateFolder::temporaries() const
{
    std::vector<std::string> names;
    if (_files.stat(inside("tmp")))
    {
        _files.list(inside("tmp"), [&](std::string_view name, FileKind) {
            names.emplace_back(name);
            return true;
        });
    }
    return names;
}

} // namespace tidewire
