from tests.components import build
from tests.queue.tickets import pushed


async def test_in_order_of_arrival_whoever_leaves() -> None:
    queue = build("queue", "fifo")
    tickets = [pushed(queue) for _ in range(5)]
    queue.remove(tickets[0])
    queue.remove(tickets[3])
    assert [queue.peek(0.0), *(queue.pop(0.0) for _ in range(3))] == [tickets[1], tickets[1], tickets[2], tickets[4]]
    assert len(queue) == 0
