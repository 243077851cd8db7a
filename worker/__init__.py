"""Pinocchio's worker. Read in this order: records, bus, detection, service, cli."""
