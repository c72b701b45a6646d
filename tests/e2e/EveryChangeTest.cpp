// Every kind of change arrives, in both directions, and changes nothing where it was made.

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"
#include "tests/e2e/support/TreeSnapshot.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>

using namespace tidewire;
using namespace tidewire::e2e;

namespace {

/// A change to the tree that makeTree() left.
struct Change
{
    const char* name;
    std::function<void(const std::string& root)> act;
};

void makeTree(const std::string& root)
{
    writeFile(root + "/a.txt", "first\nsecond\nthird\n");
    writeFile(root + "/log.txt", textBytes(1, 200000));
    writeFile(root + "/big.bin", randomBytes(2, 3000000));
    makeFolders(root + "/dir/sub/empty");
    for (int i = 0; i < 20; ++i)
    {
        writeFile(root + "/dir/sub/file-" + std::to_string(i), textBytes(10U + unsigned(i), 3000));
    }
    writeFile(root + "/dir/one", "one");
    makeFolders(root + "/other");
    makeLink("a.txt", root + "/link");
}

/// Writes with an open descriptor what `act` does with it.
void withFile(const std::string& path, const std::function<void(int)>& act)
{
    const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    REQUIRE(fd);
    act(fd.get());
}

const std::vector<Change>& contentChanges()
{
    using Root = const std::string&;
    static const std::vector<Change> kChanges = {
        {"create",
         [](Root r) {
             writeFile(r + "/new", "new content");
         }},
        {"create empty",
         [](Root r) {
             writeFile(r + "/new", "");
         }},
        {"append",
         [](Root r) {
             appendFile(r + "/log.txt", "one more line\n");
         }},
        {"append to a small file",
         [](Root r) {
             appendFile(r + "/a.txt", "fourth\n");
         }},
        {"overwrite in place",
         [](Root r) {
             overwriteAt(r + "/big.bin", 1500000, "changed");
         }},
        {"same size, other content",
         [](Root r) {
             overwriteAt(r + "/a.txt", 0, "FIRST");
         }},
        {"truncate to nothing",
         [](Root r) {
             resizeFile(r + "/log.txt", 0);
         }},
        {"truncate",
         [](Root r) {
             resizeFile(r + "/big.bin", 1234567);
         }},
        {"extend with a hole",
         [](Root r) {
             resizeFile(r + "/big.bin", 5000000);
         }},
        {"insert at the front",
         [](Root r) {
             writeFile(r + "/big.bin", "inserted" + randomBytes(2, 3000000));
         }},
        {"atomic replace",
         [](Root r) {
             replaceFile(r + "/a.txt", "replaced");
         }},
        {"rewrite with other content",
         [](Root r) {
             writeFile(r + "/a.txt", "rewritten");
         }},
        {"sed -i",
         [](Root r) {
             runShell(r, "sed -i s/second/2nd/ a.txt");
         }},
        {"write through mmap",
         [](Root r) {
             withFile(r + "/log.txt", [](int fd) {
                 void* map = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
                 REQUIRE(map != MAP_FAILED);
                 static_cast<char*>(map)[100] = '#';
                 ::munmap(map, 4096);
             });
         }},
        {"punch a hole",
         [](Root r) {
             withFile(r + "/big.bin", [](int fd) {
                 REQUIRE(::fallocate(
                             fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1 << 20, 1 << 20) ==
                         0);
             });
         }},
        {"change and put the mtime back",
         [](Root r) {
             struct stat before = {};
             REQUIRE(::stat((r + "/a.txt").c_str(), &before) == 0);
             overwriteAt(r + "/a.txt", 0, "FIRST");
             setMtime(r + "/a.txt", before.st_mtim.tv_sec, before.st_mtim.tv_nsec);
         }},
        {"vim",
         [](Root r) {
             writeFile(r + "/.a.txt.swp", "swap");
             writeFile(r + "/4913", "");
             removeTree(r + "/4913");
             renamePath(r + "/a.txt", r + "/a.txt~");
             writeFile(r + "/a.txt", "saved by vim\n");
             changeMode(r + "/a.txt", 0644);
             removeTree(r + "/a.txt~");
             removeTree(r + "/.a.txt.swp");
         }},
        {"vim itself",
         [](Root r) {
             runShell(r, "vim -es -u NONE -c 's/first/1st/' -c 'wq' a.txt || true");
         }},
        {"emacs",
         [](Root r) {
             writeFile(r + "/#a.txt#", "autosave");
             makeLink("user@host.1:1", r + "/.#a.txt");
             renamePath(r + "/a.txt", r + "/a.txt~");
             writeFile(r + "/a.txt", "saved by emacs\n");
             removeTree(r + "/#a.txt#");
             removeTree(r + "/.#a.txt");
         }},
        {"an editor of GNOME",
         [](Root r) {
             writeFile(r + "/.goutputstream-ABC123", "saved by gedit\n");
             renamePath(r + "/.goutputstream-ABC123", r + "/a.txt");
         }},
        {"VS Code",
         [](Root r) {
             withFile(r + "/a.txt", [](int fd) {
                 REQUIRE(::ftruncate(fd, 0) == 0);
                 REQUIRE(::write(fd, "saved\n", 6) == 6);
                 ::fsync(fd);
             });
         }},
        {"delete and make again with the same content",
         [](Root r) {
             removeTree(r + "/a.txt");
             writeFile(r + "/a.txt", "first\nsecond\nthird\n");
         }},
    };
    return kChanges;
}

const std::vector<Change>& treeChanges()
{
    using Root = const std::string&;
    static const std::vector<Change> kChanges = {
        {"rename",
         [](Root r) {
             renamePath(r + "/a.txt", r + "/b.txt");
         }},
        {"rename over another",
         [](Root r) {
             renamePath(r + "/big.bin", r + "/a.txt");
         }},
        {"move to another folder",
         [](Root r) {
             renamePath(r + "/big.bin", r + "/other/big");
         }},
        {"rename a folder",
         [](Root r) {
             renamePath(r + "/dir", r + "/renamed");
         }},
        {"move a folder into another",
         [](Root r) {
             renamePath(r + "/dir", r + "/other/dir");
         }},
        {"rename a folder and change inside",
         [](Root r) {
             renamePath(r + "/dir", r + "/renamed");
             appendFile(r + "/renamed/one", " changed");
             removeTree(r + "/renamed/sub/file-3");
             writeFile(r + "/renamed/sub/new", "new");
         }},
        {"swap two files",
         [](Root r) {
             renamePath(r + "/a.txt", r + "/swap");
             renamePath(r + "/log.txt", r + "/a.txt");
             renamePath(r + "/swap", r + "/log.txt");
         }},
        {"swap two folders",
         [](Root r) {
             renamePath(r + "/dir", r + "/swap");
             renamePath(r + "/other", r + "/dir");
             renamePath(r + "/swap", r + "/other");
         }},
        {"move a folder below what was inside it",
         [](Root r) {
             renamePath(r + "/dir/sub", r + "/top");
             renamePath(r + "/dir", r + "/top/dir");
         }},
        {"rotate logs",
         [](Root r) {
             renamePath(r + "/log.txt", r + "/log.txt.1");
             writeFile(r + "/log.txt", "fresh log\n");
         }},
        {"copy a file",
         [](Root r) {
             runShell(r, "cp -p big.bin other/copy");
         }},
        {"copy a tree",
         [](Root r) {
             runShell(r, "cp -r dir other/");
         }},
        {"delete a file",
         [](Root r) {
             removeTree(r + "/a.txt");
         }},
        {"delete a tree",
         [](Root r) {
             removeTree(r + "/dir");
         }},
        {"delete an empty folder",
         [](Root r) {
             removeTree(r + "/dir/sub/empty");
         }},
        {"delete all but one",
         [](Root r) {
             for (const char* name : {"/a.txt", "/log.txt", "/dir", "/other", "/link"})
             {
                 removeTree(r + name);
             }
         }},
        {"chmod",
         [](Root r) {
             changeMode(r + "/a.txt", 0600);
         }},
        {"chmod a folder",
         [](Root r) {
             changeMode(r + "/dir", 0700);
         }},
        {"touch",
         [](Root r) {
             setMtime(r + "/a.txt", 1000000000, 5);
         }},
        {"touch a link",
         [](Root r) {
             setMtime(r + "/link", 1000000000, 5);
         }},
        {"file becomes folder",
         [](Root r) {
             removeTree(r + "/a.txt");
             makeFolders(r + "/a.txt/inner");
             writeFile(r + "/a.txt/inner/file", "inside");
         }},
        {"folder becomes file",
         [](Root r) {
             removeTree(r + "/dir");
             writeFile(r + "/dir", "a file now");
         }},
        {"file becomes link",
         [](Root r) {
             removeTree(r + "/a.txt");
             makeLink("log.txt", r + "/a.txt");
         }},
        {"link becomes file",
         [](Root r) {
             removeTree(r + "/link");
             writeFile(r + "/link", "a file now");
         }},
        {"folder becomes link",
         [](Root r) {
             renamePath(r + "/dir", r + "/other/dir");
             makeLink("other/dir", r + "/dir");
         }},
        {"link becomes folder",
         [](Root r) {
             removeTree(r + "/link");
             makeFolders(r + "/link/inner");
         }},
        {"link points elsewhere",
         [](Root r) {
             removeTree(r + "/link");
             makeLink("log.txt", r + "/link");
         }},
        {"folders made and filled at once",
         [](Root r) {
             for (int i = 0; i < 200; ++i)
             {
                 const std::string folder = r + "/fresh-" + std::to_string(i) + "/x/y";
                 makeFolders(folder);
                 writeFile(folder + "/file", std::to_string(i));
             }
         }},
        {"tar x",
         [](Root r) {
             runShell(r, "tar cf - dir | (mkdir t && cd t && tar xf -)");
         }},
        {"git",
         [](Root r) {
             runShell(r,
                      "mkdir g && cd g && git init -q . && cp -r ../dir . && git add . && "
                      "git -c user.name=n -c user.email=e commit -q -m m && cd .. && "
                      "git clone -q g clone");
         }},
        {"move a tree in from outside",
         [](Root r) {
             const std::string outside = r + "/../outside";
             makeFolders(outside + "/deep/deeper");
             writeFile(outside + "/deep/deeper/file", "from outside");
             renamePath(outside, r + "/inside");
             writeFile(r + "/inside/deep/deeper/later", "written after the move");
         }},
        {"move a tree out",
         [](Root r) {
             renamePath(r + "/dir", r + "/../moved-out");
             writeFile(r + "/../moved-out/one", "not watched any more");
         }},
        {"remove a folder and make it again",
         [](Root r) {
             removeTree(r + "/dir");
             makeFolders(r + "/dir");
             writeFile(r + "/dir/again", "again");
         }},
    };
    return kChanges;
}

void checkArrives(const Change& change, bool isBackwards)
{
    Pair pair;
    AgentNode& from = isBackwards ? pair.two : pair.one;
    AgentNode& to = isBackwards ? pair.one : pair.two;
    makeTree(pair.one.folder());
    pair.cluster.settle();

    change.act(from.folder());
    const TreeSnapshot expected = TreeSnapshot::take(from.folder());
    pair.cluster.await(std::string("this arrives: ") + change.name, [&] {
        return expected.differenceTo(TreeSnapshot::take(to.folder())).empty();
    });
    pair.cluster.settle();

    CHECK(expected.differenceTo(TreeSnapshot::take(from.folder())) == "");
    CHECK(expected.differenceTo(TreeSnapshot::take(to.folder())) == "");
}

} // namespace

TEST_CASE("Changes: of content, each arrives as it is", "[e2e]")
{
    const bool isBackwards = GENERATE(false, true);
    const std::size_t number = GENERATE(range<std::size_t>(0, contentChanges().size()));
    CAPTURE(isBackwards, contentChanges()[number].name);

    checkArrives(contentChanges()[number], isBackwards);
}

TEST_CASE("Changes: of the tree, each arrives as it is", "[e2e]")
{
    const bool isBackwards = GENERATE(false, true);
    const std::size_t number = GENERATE(range<std::size_t>(0, treeChanges().size()));
    CAPTURE(isBackwards, treeChanges()[number].name);

    checkArrives(treeChanges()[number], isBackwards);
}
