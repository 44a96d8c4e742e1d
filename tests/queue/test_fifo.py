from tests.admission import open_ticket
from tests.components import build


async def test_in_order_of_arrival_whoever_leaves() -> None:
    strategy = build("batch", "passthrough")
    queue = build("queue", "fifo")
    tickets = [open_ticket(strategy) for _ in range(5)]
    for ticket in tickets:
        queue.push(ticket)
    queue.remove(tickets[0])
    queue.remove(tickets[3])
    assert [queue.peek(), *(queue.pop() for _ in range(3))] == [tickets[1], tickets[1], tickets[2], tickets[4]]
    assert len(queue) == 0
