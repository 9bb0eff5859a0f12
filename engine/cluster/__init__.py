"""The same tasks on a Ray cluster."""

from engine.cluster.runner import Cluster, runner

__all__ = ["Cluster", "runner"]
