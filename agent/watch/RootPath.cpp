// Where a share's folder really is.

#include "agent/watch/RootPath.h"

#include "shared/base/Errors.h"

#include <cstdlib>
#include <memory>

namespace tidewire {

namespace {

struct Free
{
    void operator()(char* text) const { std::free(text); } // NOLINT(*-no-malloc)
};

} // namespace

std::string realRoot(const std::string& root)
{
    const std::unique_ptr<char, Free> real(::realpath(root.c_str(), nullptr));
    if (real == nullptr)
    {
        throwErrno("watch", root);
    }
    return real.get();
}

} // namespace tidewire
