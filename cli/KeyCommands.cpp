// What `tidewire` does with keys: makes them, and tells the public one of a private one.

#include "cli/KeyCommands.h"

#include "shared/base/Errors.h"
#include "shared/noise/Keys.h"

#include <istream>
#include <ostream>

namespace tidewire {

namespace {

/// A key, and some room for blanks.
constexpr std::size_t kMostBytes = 128;

void requireWritten(std::ostream& output)
{
    output.flush();
    if (!output)
    {
        throw Error("cannot write the key");
    }
}

} // namespace

void generateKey(std::ostream& output)
{
    const Secret<kKeyTextBytes> text = privateKeyText(makeKeyPair().secret);
    output << asText(text.bytes()) << '\n';
    requireWritten(output);
}

void showPublicKey(std::istream& input, std::ostream& output)
{
    Secret<kMostBytes> text;
    input.read(reinterpret_cast<char*>(text.data()), static_cast<std::streamsize>(kMostBytes));
    const auto size = static_cast<std::size_t>(input.gcount());
    const auto key = parsePrivateKey(withoutBlanks(asText(text.bytes().first(size))));
    if (!key)
    {
        throw Error("the input is no private key; make one with: tidewire genkey");
    }
    output << publicKeyText(keyPairOf(*key).open) << '\n';
    requireWritten(output);
}

} // namespace tidewire
