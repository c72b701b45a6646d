// An rsync daemon on loopback: what the benches compare with.

#pragma once

#include "tests/e2e/support/Process.h"

#include <memory>
#include <string>

namespace tidewire::bench {

/// A daemon with one writable module below `home`; ended with the object.
class RsyncDaemon
{
public:
    explicit RsyncDaemon(const std::string& home);

    /// Seconds for `rsync -a SOURCE/ to the daemon`, then `rsync -a from the daemon to TARGET/`.
    [[nodiscard]] double twoRuns(const std::string& source, const std::string& target) const;

private:
    std::string _url;
    std::unique_ptr<e2e::Process> _process;
};

} // namespace tidewire::bench
