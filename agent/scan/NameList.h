// The names of one folder, packed tightly: a folder may have hundreds of thousands.

#pragma once

#include "shared/fs/FileSystem.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidewire {

/// Names with the kind that the listing told.
///
/// Memory: 12 bytes and the bytes of the name each, up to twice that while it grows.
class NameList
{
public:
    void add(std::string_view name, FileKind hint)
    {
        _items.push_back({_bytes.size(), static_cast<std::uint16_t>(name.size()), hint});
        _bytes.append(name);
    }

    /// Orders by bytes and drops what a listing of a folder in motion told twice.
    void sort()
    {
        std::ranges::sort(_items, {}, [this](const Item& item) { return text(item); });
        const auto doubles =
            std::unique(_items.begin(), _items.end(), [this](const Item& one, const Item& next) {
                return text(one) == text(next);
            });
        _items.erase(doubles, _items.end());
    }

    [[nodiscard]] std::size_t size() const { return _items.size(); }
    [[nodiscard]] std::string_view name(std::size_t index) const { return text(_items[index]); }
    [[nodiscard]] FileKind hint(std::size_t index) const { return _items[index].hint; }

private:
    struct Item
    {
        std::size_t offset;
        std::uint16_t length;
        FileKind hint;
    };

    [[nodiscard]] std::string_view text(const Item& item) const
    {
        return std::string_view(_bytes).substr(item.offset, item.length);
    }

    std::vector<Item> _items;
    std::string _bytes;
};

} // namespace tidewire
