// Proposals that were sent and may have been accepted without our knowing: queries on the table `sent`.

#pragma once

#include "agent/state/Index.h"
#include "shared/db/Statement.h"

#include <cstdint>
#include <vector>

namespace tidewire {

/// See Index for what the methods promise.
class SentTable
{
public:
    explicit SentTable(Database& database);

    [[nodiscard]] std::int64_t add(ShareId share, ByteView fingerprints);
    void remove(std::int64_t batch);
    [[nodiscard]] std::vector<Bytes> all(ShareId share);
    void age(ShareId share, unsigned limit);

private:
    Statement _add;
    Statement _remove;
    Statement _all;
    Statement _age;
    Statement _expire;
};

} // namespace tidewire
