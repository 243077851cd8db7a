"""Fixtures that tests of several folders use."""

pytest_plugins = ["tests.kafka_fixture"]
