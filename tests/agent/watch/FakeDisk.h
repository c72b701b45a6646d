// A folder tree in memory that reports its changes as inotify does, for tests of the watch tree.

#pragma once

#include "agent/watch/WatchPort.h"
#include "agent/watch/Watcher.h"
#include "shared/base/Bytes.h"
#include "tests/agent/watch/Mirror.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tidewire {

/// One inotify event in the kernel's form.
[[nodiscard]] Bytes
rawEvent(int wd, std::uint32_t mask, std::uint32_t cookie = 0, std::string_view name = {});

/// Several folders by absolute path; every operation takes absolute paths.
class FakeDisk: public WatchPort
{
public:
    struct Node
    {
        bool isFolder = false;
        std::uint64_t inode = 0;
        std::uint64_t device = 1;
        std::int64_t mtime = 0;
        std::uint64_t version = 0; ///< of the content of a file
        int wd = -1;
        bool isDenied = false;
        bool isBroken = false; ///< listing ends early
        bool isSealed = false; ///< can be listed, but nothing in it can be reached
        std::map<std::string, std::shared_ptr<Node>> children;
    };

    // The kernel's side: each operation queues what inotify would report.
    void makeFolder(const std::string& path);
    void makeFolders(const std::string& path);
    void makeFile(const std::string& path);
    void writeFile(const std::string& path);
    void changeMode(const std::string& path);
    void remove(const std::string& path);
    void rename(const std::string& from, const std::string& to);
    void exchange(const std::string& a, const std::string& b);
    void unmount(const std::string& path);
    /// Something else stands at `path` from now on, without an event: a mount.
    void mountOver(const std::string& path, std::uint64_t device);
    /// `b` shows the folder `a`, as a bind mount does.
    void bind(const std::string& a, const std::string& b);

    [[nodiscard]] std::shared_ptr<Node> find(const std::string& path) const;
    [[nodiscard]] bool exists(const std::string& path) const { return find(path) != nullptr; }

    /// What a read of the descriptor gives: at most `count` events, removed from the queue.
    [[nodiscard]] Bytes takeEvents(std::size_t count = SIZE_MAX);
    [[nodiscard]] std::size_t unread() const { return _queue.size(); }
    void queueRaw(Bytes event) { push(std::move(event)); }

    /// Live watches.
    [[nodiscard]] std::size_t watchCount() const { return _watches.size(); }
    [[nodiscard]] std::vector<std::string> unwatchedFolders(const std::string& root) const;

    [[nodiscard]] Mirror::Look lookAt(const std::string& root) const;

    // WatchPort.
    [[nodiscard]] OpenedFolder
    open(const std::string& root, const RelativePath& path, std::uint64_t holder) override;
    [[nodiscard]] LookResult look(const std::string& root,
                                  const RelativePath& path,
                                  std::uint64_t holder,
                                  FolderInfo& info) override;
    [[nodiscard]] bool willBeClosed(const std::string& root, const RelativePath& path) override;
    void unwatch(int wd) override;
    [[nodiscard]] std::uint64_t budget() override { return budgetValue; }

    std::uint64_t budgetValue = 1000000;
    std::size_t kernelLimit = 1000000; ///< watches, then ENOSPC
    std::size_t queueLimit = 16384;
    int openError = 0; ///< errno of every open
    std::size_t watchCalls = 0;
    std::size_t openCalls = 0;
    std::function<void()> afterWatch; ///< between watching and listing, once

    [[nodiscard]] int watch(const std::shared_ptr<Node>& node);

private:
    void push(Bytes event);
    void report(const std::shared_ptr<Node>& node,
                std::uint32_t mask,
                const std::string& name = {},
                std::uint32_t cookie = 0);
    void endWatch(const std::shared_ptr<Node>& node);
    [[nodiscard]] std::shared_ptr<Node> holderOf(const std::string& path) const;
    std::shared_ptr<Node> place(const std::string& path, bool isFolder);

    std::shared_ptr<Node> _top = makeTop();
    static std::shared_ptr<Node> makeTop();
    std::map<int, std::shared_ptr<Node>> _watches; // a watch holds its inode
    std::deque<Bytes> _queue;
    std::uint64_t _nextInode = 2;
    int _nextWd = 1;
    std::uint32_t _nextCookie = 1;
    std::uint64_t _nextVersion = 1;
    bool _hasOverflowed = false;
};

} // namespace tidewire
