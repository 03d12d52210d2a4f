"""Where a customer comes from: counted by the identity check, kept by nobody."""

import httpx
import pytest
from edge_kit import FakeBrain, Visitor, eventually, make_edge, served


async def origin_of(brain, url, address):
    """What the brain is told about a visitor from this address."""
    headers = {"X-Forwarded-For": address}
    async with httpx.AsyncClient(base_url=url, headers=headers, verify=False) as web:
        visitor = await Visitor.arrive(web)
        await visitor.post(text=f"来自{address}", client_message_id="m1")
        await eventually(lambda: any(address in q.text for q in brain.asked))
    (asked,) = [q for q in brain.asked if address in q.text]
    return asked.metadata["origin"]


@pytest.mark.parametrize(
    ("address", "neighbour", "stranger"),
    [
        ("203.0.113.1", "203.0.113.1", "203.0.113.2"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
    ],
)
async def test_that_the_brain_knows_networks_apart_but_no_address(
    tmp_path, address, neighbour, stranger
):
    brain = FakeBrain()
    edge = make_edge(tmp_path, brain)
    async with served(edge) as url:
        one = await origin_of(brain, url, address)
        if neighbour != address:
            assert await origin_of(brain, url, neighbour) == one
        assert await origin_of(brain, url, stranger) != one
        assert one and address not in one
        read = edge.backstage.ledger._database.read
        rows = await read(
            lambda c: c.exec_driver_sql("SELECT metadata FROM messages").all()
        )
        assert rows
        assert address not in str(rows)
