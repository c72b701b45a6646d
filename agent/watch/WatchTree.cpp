// The folders that are watched, as a tree, and the way from watch numbers to them.

#include "agent/watch/WatchTree.h"

#include <algorithm>

namespace tidewire {

std::optional<RelativePath> WatchTree::pathOf(const WatchNode& node)
{
    std::vector<const WatchNode*> chain;
    const WatchNode* at = &node;
    for (; at->parent != nullptr; at = at->parent)
    {
        chain.push_back(at);
    }
    if (at != node.root->top.get())
    {
        return std::nullopt;
    }
    std::ranges::reverse(chain);
    std::string text;
    for (const WatchNode* step : chain)
    {
        text += text.empty() ? "" : "/";
        text += step->name;
    }
    return RelativePath::parse(text);
}

WatchNode& WatchTree::topOf(WatchNode& node)
{
    WatchNode* at = &node;
    while (at->parent != nullptr)
    {
        at = at->parent;
    }
    return *at;
}

WatchNode* WatchTree::childOf(const WatchNode& node, std::string_view name)
{
    const auto found = node.children.find(name);
    return found == node.children.end() ? nullptr : found->get();
}

std::vector<WatchNode*> WatchTree::childrenOf(const WatchNode& node)
{
    std::vector<WatchNode*> children;
    children.reserve(node.children.size());
    for (const auto& child : node.children)
    {
        children.push_back(child.get());
    }
    return children;
}

std::vector<WatchNode*> WatchTree::subtreeOf(WatchNode& node)
{
    std::vector<WatchNode*> nodes{&node};
    for (std::size_t i = 0; i < nodes.size(); ++i)
    {
        for (const auto& child : nodes[i]->children)
        {
            nodes.push_back(child.get());
        }
    }
    return nodes;
}

WatchNode& WatchTree::addChild(WatchNode& parent, std::string_view name)
{
    auto node = std::make_unique<WatchNode>();
    node->root = parent.root;
    WatchNode& added = *node;
    attach(parent, name, std::move(node));
    return added;
}

std::unique_ptr<WatchNode> WatchTree::detach(WatchNode& node)
{
    auto& siblings = node.parent->children;
    auto taken = std::move(siblings.extract(siblings.find(std::string_view(node.name))).value());
    taken->parent = nullptr;
    return taken;
}

void WatchTree::attach(WatchNode& parent, std::string_view name, std::unique_ptr<WatchNode> node)
{
    node->name = name;
    node->parent = &parent;
    parent.children.insert(std::move(node));
}

void WatchTree::bind(WatchNode& node, int wd)
{
    node.wd = wd;
    ++node.root->watched;
    _owners[wd].push_back(&node);
}

std::optional<int> WatchTree::unbind(WatchNode& node)
{
    if (node.wd < 0)
    {
        return std::nullopt;
    }
    const int wd = node.wd;
    node.wd = -1;
    --node.root->watched;
    const auto found = _owners.find(wd);
    std::erase(found->second, &node);
    if (!found->second.empty())
    {
        return std::nullopt;
    }
    _owners.erase(found);
    return wd;
}

std::vector<WatchNode*> WatchTree::ownersOf(int wd) const
{
    const auto found = _owners.find(wd);
    return found == _owners.end() ? std::vector<WatchNode*>() : found->second;
}

bool WatchTree::isOwner(int wd, const WatchNode* node) const
{
    const auto found = _owners.find(wd);
    return found != _owners.end() && std::ranges::count(found->second, node) != 0;
}

WatchNode* WatchTree::coldestLeaf() const
{
    WatchNode* coldest = nullptr;
    for (const auto& [wd, owners] : _owners)
    {
        WatchNode* node = owners.front();
        const bool isSpare = owners.size() == 1 && node->children.empty() &&
                             node->parent != nullptr && node->queue == WatchNode::Queue::None;
        if (isSpare && (coldest == nullptr || node->lastActive < coldest->lastActive))
        {
            coldest = node;
        }
    }
    return coldest;
}

} // namespace tidewire
