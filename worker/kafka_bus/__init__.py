"""The bus on Apache Kafka, by kafka-python: the only place that imports kafka."""

from worker.kafka_bus.bus import KafkaBus
from worker.kafka_bus.client import KafkaSettings
from worker.kafka_bus.topics import TopicsMade, TopicSpec, create_topics, topics

__all__ = ["KafkaBus", "KafkaSettings", "TopicSpec", "TopicsMade", "create_topics", "topics"]
