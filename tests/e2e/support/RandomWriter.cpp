// A random user: what is written, moved and deleted, and the book of it.

#include "tests/e2e/support/RandomWriter.h"

#include "tests/e2e/support/Files.h"

#include <fcntl.h>
#include <stdio.h>

#include <cerrno>
#include <system_error>

namespace tidewire::e2e {

namespace {

constexpr unsigned kSharedNames = 12;
constexpr unsigned kOwnFolders = 4;

/// True when the rename was done; false when the target was there, or the source or a folder was not.
bool renameAtomically(const std::string& from, const std::string& to, unsigned flags)
{
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0)
    {
        return true;
    }
    if (errno != EEXIST && errno != ENOENT && errno != ENOTDIR)
    {
        throw std::system_error(errno, std::generic_category(), "rename " + from + " to " + to);
    }
    return false;
}

} // namespace

std::string contentId(const std::string& content)
{
    const std::string id = content.substr(0, content.find('\n'));
    const bool isWhole = content.size() > 2 * id.size() && content.starts_with("id ") &&
                         content.ends_with("\n" + id + "\n");
    return isWhole ? id : "";
}

RandomWriter::RandomWriter(const std::string& name,
                           const std::string& folder,
                           const std::string& trash,
                           std::uint64_t seed):
    _name(name),
    _folder(folder),
    _trash(trash),
    _generator(seed)
{
    makeFolders(_trash);
    makeFolders(_folder + "/own-" + _name);
    makeFolders(_folder + "/once");
    makeFolders(_folder + "/shared");
}

unsigned RandomWriter::random(unsigned below)
{
    return static_cast<unsigned>(_generator() % below);
}

std::string RandomWriter::newContent()
{
    const std::string id = "id " + _name + " " + std::to_string(++_count);
    const unsigned dice = random(40);
    const std::size_t size = dice == 0 ? 400000U : (dice < 8 ? 20000U : 500U);
    const std::string filler =
        random(2) == 0 ? textBytes(_generator(), size) : randomBytes(_generator(), size);
    std::string content = id;
    content += "\n";
    content += filler;
    content += "\n" + id + "\n";
    return content;
}

std::string RandomWriter::anyOwn()
{
    if (_own.empty())
    {
        return "";
    }
    auto found = _own.begin();
    std::advance(found, random(static_cast<unsigned>(_own.size())));
    return found->first;
}

void RandomWriter::actOwn()
{
    const std::string old = anyOwn();
    const std::string folder = "own-" + _name + "/d" + std::to_string(random(kOwnFolders));
    const std::string fresh = folder + "/f" + std::to_string(_count);
    makeFolders(_folder + "/" + folder);
    switch (old.empty() ? 0 : random(8))
    {
    case 0:
    case 1:
        _own[fresh] = newContent();
        writeFile(_folder + "/" + fresh, _own[fresh]);
        break;
    case 2:
        _own[old] = newContent();
        writeFile(_folder + "/" + old, _own[old]);
        break;
    case 3:
        _own[old] = newContent();
        replaceFile(_folder + "/" + old, _own[old]);
        break;
    case 4:
        _own[old] += "appended\n";
        appendFile(_folder + "/" + old, "appended\n");
        break;
    case 5:
        removeTree(_folder + "/" + old);
        _own.erase(old);
        break;
    case 6:
        if (old != fresh)
        {
            renamePath(_folder + "/" + old, _folder + "/" + fresh);
            _own[fresh] = _own[old];
            _own.erase(old);
        }
        break;
    default:
        changeMode(_folder + "/" + old, random(2) == 0 ? 0600 : 0644);
        break;
    }
}

void RandomWriter::addOnce()
{
    const std::string content = newContent();
    makeFolders(_folder + "/once");
    writeFile(_folder + "/once/" + _name + "-" + std::to_string(_count), content);
    _written.insert(contentId(content));
}

void RandomWriter::rememberSeen(const std::string& removedFile)
{
    const std::string id = contentId(readFile(removedFile).value_or(""));
    if (!id.empty())
    {
        _seen.insert(id);
    }
    removeTree(removedFile);
}

void RandomWriter::replaceShared(const std::string& path)
{
    const std::string content = newContent();
    const std::string beside = _trash + "/new";
    writeFile(beside, content);
    if (renameAtomically(beside, path, RENAME_NOREPLACE))
    {
        _written.insert(contentId(content));
    }
    else if (renameAtomically(beside, path, RENAME_EXCHANGE))
    {
        _written.insert(contentId(content));
        rememberSeen(beside);
    }
}

void RandomWriter::deleteShared(const std::string& path)
{
    if (renameAtomically(path, _trash + "/old", 0))
    {
        rememberSeen(_trash + "/old");
    }
}

void RandomWriter::renameShared(const std::string& from, const std::string& to)
{
    // The content lives on at its new name; other agents may keep it at the old one.
    (void)renameAtomically(from, to, RENAME_NOREPLACE);
}

void RandomWriter::actShared()
{
    const std::string shared = _folder + "/shared/";
    const std::string path = shared + std::to_string(random(kSharedNames));
    makeFolders(_folder + "/shared");
    switch (random(6))
    {
    case 0:
        deleteShared(path);
        break;
    case 1:
        renameShared(path, shared + std::to_string(random(kSharedNames)));
        break;
    default:
        replaceShared(path);
        break;
    }
}

void RandomWriter::act()
{
    switch (random(8))
    {
    case 0:
        addOnce();
        break;
    case 1:
    case 2:
    case 3:
        actShared();
        break;
    default:
        actOwn();
        break;
    }
}

} // namespace tidewire::e2e
