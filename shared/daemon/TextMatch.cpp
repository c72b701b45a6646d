// Small text functions of the configuration and the command line.

#include "shared/daemon/TextMatch.h"

#include <algorithm>
#include <numeric>

namespace tidewire {

namespace {

/// Names longer than this are nobody's typing error; the distance takes quadratic time.
constexpr std::size_t kMaxNameBytes = 100;

/// Levenshtein's distance, one row at a time (Wagner and Fischer 1974).
std::size_t editDistance(std::string_view left, std::string_view right)
{
    std::vector<std::size_t> row(right.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < left.size(); ++i)
    {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < right.size(); ++j)
        {
            const std::size_t replaced = diagonal + (left[i] == right[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

} // namespace

std::string_view trimmed(std::string_view text)
{
    while (!text.empty() && isBlank(text.front()))
    {
        text.remove_prefix(1);
    }
    while (!text.empty() && isBlank(text.back()))
    {
        text.remove_suffix(1);
    }
    return text;
}

std::string nearest(std::string_view name, const std::vector<std::string>& known)
{
    if (name.size() > kMaxNameBytes)
    {
        return {};
    }
    std::string best;
    std::size_t bestDistance = name.size() / 2 + 1;
    for (const std::string& candidate : known)
    {
        const std::size_t distance = editDistance(name, candidate);
        if (distance < bestDistance)
        {
            best = candidate;
            bestDistance = distance;
        }
    }
    return best;
}

std::string suggestion(std::string_view name, const std::vector<std::string>& known)
{
    const std::string best = nearest(name, known);
    return best.empty() ? "" : " (did you mean " + best + "?)";
}

} // namespace tidewire
