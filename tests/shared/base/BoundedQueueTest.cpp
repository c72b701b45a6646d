// Tests of BoundedQueue: the bound, the order, and the end.

#include "shared/base/BoundedQueue.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

using namespace tidewire;

TEST_CASE("BoundedQueue: values come out in the order they went in", "[base]")
{
    BoundedQueue<int> queue(10);
    CHECK(queue.push(1));
    CHECK(queue.push(2));

    CHECK(queue.pop() == 1);
    CHECK(queue.tryPop() == 2);
    CHECK_FALSE(queue.tryPop());
    CHECK_FALSE(queue.pop(SteadyTime(0)));
}

TEST_CASE("BoundedQueue: the sum of costs is bounded", "[base]")
{
    BoundedQueue<int> queue(10);
    int value = 1;

    CHECK(queue.tryPush(value, 6));
    CHECK(queue.cost() == 6);
    CHECK_FALSE(queue.tryPush(value, 5));
    CHECK(queue.tryPush(value, 4));
    CHECK_FALSE(queue.tryPush(value, 1));
    CHECK(queue.cost() == 10);

    CHECK(queue.tryPop());
    CHECK(queue.cost() == 4);
    CHECK(queue.tryPush(value, 6));
}

TEST_CASE("BoundedQueue: a value above the limit is taken when the queue is empty", "[base]")
{
    BoundedQueue<int> queue(10);

    CHECK(queue.push(1, 1000));
    int value = 2;
    CHECK_FALSE(queue.tryPush(value, 1));
    CHECK(queue.pop() == 1);
    CHECK(queue.tryPush(value, 1));
}

TEST_CASE("BoundedQueue: pushNow goes over the bound", "[base]")
{
    BoundedQueue<int> queue(1);

    CHECK(queue.pushNow(1));
    CHECK(queue.pushNow(2));
    CHECK(queue.cost() == 2);
}

TEST_CASE("BoundedQueue: a value that was not taken stays with the caller", "[base]")
{
    BoundedQueue<std::unique_ptr<int>> queue(1);
    auto first = std::make_unique<int>(1);
    auto second = std::make_unique<int>(2);

    CHECK(queue.tryPush(first));
    CHECK_FALSE(first);
    CHECK_FALSE(queue.tryPush(second));
    CHECK(second);
    queue.close();
    static_cast<void>(queue.tryPop());
    CHECK_FALSE(queue.tryPush(second));
    CHECK(second);
}

TEST_CASE("BoundedQueue: after close nothing goes in and the rest comes out", "[base]")
{
    BoundedQueue<int> queue(10);
    CHECK(queue.push(1));

    queue.close();

    CHECK_FALSE(queue.push(2));
    CHECK_FALSE(queue.pushNow(3));
    CHECK(queue.pop() == 1);
    CHECK_FALSE(queue.pop());
    CHECK_FALSE(queue.pop(SteadyTime(1)));
}

TEST_CASE("BoundedQueue: close wakes a producer that waits for room", "[base]")
{
    BoundedQueue<int> queue(1);
    REQUIRE(queue.push(1));
    bool taken = true;

    std::thread producer([&] { taken = queue.push(2); });
    queue.close();
    producer.join();

    CHECK_FALSE(taken);
    CHECK(queue.pop() == 1);
    CHECK_FALSE(queue.pop());
}

TEST_CASE("BoundedQueue: close wakes a consumer that waits for a value", "[base]")
{
    BoundedQueue<int> queue(1);
    std::optional<int> taken = 1;

    std::thread consumer([&] { taken = queue.pop(); });
    queue.close();
    consumer.join();

    CHECK_FALSE(taken);
}

TEST_CASE("BoundedQueue: many producers lose nothing and keep their order and the bound", "[base]")
{
    constexpr std::size_t kProducers = 4;
    constexpr std::size_t kEach = 2000;
    constexpr std::size_t kLimit = 7;
    BoundedQueue<std::pair<std::size_t, std::size_t>> queue(kLimit);
    std::vector<std::thread> producers;
    for (std::size_t producer = 0; producer < kProducers; ++producer)
    {
        producers.emplace_back([&queue, producer] {
            for (std::size_t i = 0; i < kEach; ++i)
            {
                queue.push({producer, i}, 1 + i % 3);
            }
        });
    }

    std::vector<std::size_t> next(kProducers, 0);
    std::size_t highest = 0;
    bool inOrder = true;
    for (std::size_t i = 0; i < kProducers * kEach; ++i)
    {
        highest = std::max(highest, queue.cost());
        const auto [producer, number] = queue.pop().value();
        inOrder = inOrder && next[producer] == number;
        ++next[producer];
    }
    for (std::thread& producer : producers)
    {
        producer.join();
    }

    CHECK(inOrder);
    CHECK(highest <= kLimit);
    CHECK(queue.cost() == 0);
}
