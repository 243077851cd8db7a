"""The listings and what is shown, followed on a real Kafka with the topics as they are made for production."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.kafka.broker import Broker
from tests.worker.buses import wait_for
from worker.bus import Bus, Unavailable
from worker.codec import Encoded
from worker.goods import TOPICS, Follower, Goods
from worker.kafka_bus import KafkaBus, KafkaSettings, create_topics, topics
from worker.listings import encode_listing, encode_shown
from worker.records import Listing, ProductShown

pytestmark = pytest.mark.kafka

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def put(bus: Bus, *rows: Encoded) -> None:
    for one in rows:
        bus.publish(one.topic, one.key, one.value, one.headers)
    bus.flush()


@pytest.mark.slow
def test_two_tables_on_kafka(own_kafka: Callable[[], Broker]) -> None:
    """Without its topics it says which to make; then every member reads all of both, and follows what is changed."""
    settings = KafkaSettings(own_kafka().address, session_timeout_s=6, timeout_s=10)
    buses: list[KafkaBus] = []

    def join(group: str, *read: str) -> KafkaBus:
        buses.append(KafkaBus(settings, group, read))
        return buses[-1]

    try:
        with pytest.raises(Unavailable, match=r"no topic live\.listings, live\.shown: .*'pinocchio topics create'"):
            Follower(Goods(), lambda: join("goods-none", *TOPICS)).step()
        create_topics(settings, topics(4), replication=1)
        shop = join("shop", "live.shown")
        put(shop, *(encode_listing(Listing(sku=f"sku-{n}", price=n, valid_from=at(0)), "s1") for n in range(20)))
        put(shop, encode_shown(ProductShown(stream_id="s1", sku="sku-7", at=at(0))))
        both = [Goods(), Goods()]
        followers = [Follower(goods, lambda n=n: join(f"goods-{n}", *TOPICS)) for n, goods in enumerate(both)]
        for follower in followers:
            wait_for(lambda f=follower: f.trouble() is None, lambda f=follower: f.step(0.5))
        assert [[one.price for one in goods.shown("s1", at(5))] for goods in both] == [[7], [7]]
        put(shop, encode_listing(Listing(sku="sku-7", price=5, valid_from=at(60)), "s1"))
        for goods, follower in zip(both, followers, strict=True):
            wait_for(
                lambda g=goods: [one.price for one in g.shown("s1", at(61))] == [5], lambda f=follower: f.step(0.5)
            )
            assert [one.price for one in goods.shown("s1", at(59))] == [7]
    finally:
        for bus in buses:
            bus.close()
