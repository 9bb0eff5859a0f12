"""The same tasks on other machines: a service, and the runner that is its client."""

from engine.cluster.client import Cluster, Status, runner

__all__ = ["Cluster", "Status", "runner"]
