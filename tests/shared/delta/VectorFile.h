// A file in memory with holes of any page size, which counts what is read and written.

#pragma once

#include "shared/base/Errors.h"
#include "shared/fs/FileSystem.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

namespace tidewire {

/// What was never written is a hole, in whole pages.
class VectorFile: public File
{
public:
    explicit VectorFile(std::uint64_t pageBytes = 4096): _pageBytes(pageBytes) {}
    explicit VectorFile(ByteView content, std::uint64_t pageBytes = 4096): _pageBytes(pageBytes)
    {
        VectorFile::write(0, content);
    }

    std::uint64_t bytesRead = 0;
    std::uint64_t writes = 0;

    [[nodiscard]] Bytes content()
    {
        Bytes result(static_cast<std::size_t>(_size));
        VectorFile::read(0, result);
        return result;
    }

    [[nodiscard]] std::uint64_t allocatedBytes() const { return _pages.size() * _pageBytes; }

    [[nodiscard]] FileStat stat() override
    {
        FileStat result;
        result.kind = FileKind::File;
        result.size = _size;
        return result;
    }

    std::size_t read(std::uint64_t offset, MutableByteView buffer) override
    {
        const std::uint64_t end = std::min<std::uint64_t>(offset + buffer.size(), _size);
        std::size_t done = 0;
        while (offset < end)
        {
            const auto part =
                static_cast<std::size_t>(std::min(end - offset, _pageBytes - offset % _pageBytes));
            const auto page = _pages.find(offset / _pageBytes);
            if (page == _pages.end())
            {
                std::memset(buffer.data() + done, 0, part);
            }
            else
            {
                std::memcpy(buffer.data() + done, page->second.data() + offset % _pageBytes, part);
            }
            done += part;
            offset += part;
        }
        bytesRead += done;
        return done;
    }

    void write(std::uint64_t offset, ByteView data) override
    {
        ++writes;
        while (!data.empty())
        {
            const auto part = static_cast<std::size_t>(
                std::min<std::uint64_t>(data.size(), _pageBytes - offset % _pageBytes));
            Bytes& page = _pages[offset / _pageBytes];
            page.resize(static_cast<std::size_t>(_pageBytes));
            std::memcpy(page.data() + offset % _pageBytes, data.data(), part);
            offset += part;
            data = data.subspan(part);
            _size = std::max(_size, offset);
        }
    }

    void truncate(std::uint64_t size) override
    {
        const std::uint64_t keep = size / _pageBytes;
        const auto edge = _pages.find(keep);
        if (edge != _pages.end() && size < _size)
        {
            std::fill(edge->second.begin() + static_cast<std::ptrdiff_t>(size % _pageBytes),
                      edge->second.end(),
                      std::uint8_t{0});
        }
        _pages.erase(_pages.lower_bound(keep + (size % _pageBytes != 0 ? 1 : 0)), _pages.end());
        _size = size;
    }

    [[nodiscard]] std::optional<std::uint64_t> nextData(std::uint64_t offset) override
    {
        const auto page = _pages.lower_bound(offset / _pageBytes);
        if (offset >= _size || page == _pages.end())
        {
            return std::nullopt;
        }
        return std::max(offset, page->first * _pageBytes);
    }

    [[nodiscard]] std::uint64_t nextHole(std::uint64_t offset) override
    {
        if (offset >= _size)
        {
            throw StorageError("lseek", "vector", ENXIO);
        }
        std::uint64_t number = offset / _pageBytes;
        for (auto page = _pages.find(number); page != _pages.end() && page->first == number; ++page)
        {
            ++number;
        }
        return std::clamp(number * _pageBytes, offset, _size);
    }

    void setMode(std::uint32_t /*mode*/) override {}
    void setMtime(FileTime /*mtime*/) override {}
    void sync() override {}
    void startWriteback(std::uint64_t /*offset*/, std::uint64_t /*length*/) override {}
    [[nodiscard]] bool isOpenForWriting() override { return false; }
    [[nodiscard]] bool keepWritersOut() override { return true; }

private:
    std::uint64_t _pageBytes;
    std::uint64_t _size = 0;
    std::map<std::uint64_t, Bytes> _pages;
};

} // namespace tidewire
