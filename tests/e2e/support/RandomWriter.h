// A user of one folder who works at random and keeps book of what may not be lost.

#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>

namespace tidewire::e2e {

/// The identity in the first line of a content that RandomWriter wrote; empty when the content is not whole.
[[nodiscard]] std::string contentId(const std::string& content);

/// Works in three places of a folder: "own-NAME", where nobody else writes; "once", where files are
/// only added; "shared", where others write too.
///
/// Every content has an identity of its own in its first and last line. In the shared place a content is only ever replaced or
/// deleted by moving it out first: so the writer knows exactly which one it was.
/// Thread: one at a time.
class RandomWriter
{
public:
    /// `trash` is a folder outside, on the same filesystem.
    RandomWriter(const std::string& name,
                 const std::string& folder,
                 const std::string& trash,
                 std::uint64_t seed);

    /// One change.
    void act();

    /// Own files as they must be at the end: path in the folder to content.
    [[nodiscard]] const std::map<std::string, std::string>& own() const { return _own; }

    /// Identities of contents that must exist at the end unless some writer has seen them.
    [[nodiscard]] const std::set<std::string>& written() const { return _written; }

    /// Identities that this writer replaced or deleted knowingly.
    [[nodiscard]] const std::set<std::string>& seen() const { return _seen; }

private:
    [[nodiscard]] std::string newContent();
    [[nodiscard]] unsigned random(unsigned below);
    [[nodiscard]] std::string anyOwn();
    void actOwn();
    void addOnce();
    void replaceShared(const std::string& path);
    void deleteShared(const std::string& path);
    void renameShared(const std::string& from, const std::string& to);
    void actShared();
    void rememberSeen(const std::string& removedFile);

    std::string _name;
    std::string _folder;
    std::string _trash;
    std::mt19937_64 _generator;
    unsigned _count = 0;
    std::map<std::string, std::string> _own;
    std::set<std::string> _written;
    std::set<std::string> _seen;
};

} // namespace tidewire::e2e
