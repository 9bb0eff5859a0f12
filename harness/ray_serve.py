"""A real Ray cluster of several nodes on this machine, with the service on it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from harness.server import ENVIRONMENT, ROOT, free_port, wait_for

PATIENCE = 120.0  # seconds until the service answers


class RayServe:
    """A head without cores, and nodes with one core each; `deploy/serve.yaml` on them.

    Args:
        nodes: how many.
        replicas: how many there are from the start, and at most.
        options: that the deployment has instead of its own.
    """

    def __init__(self, nodes: int = 1, replicas: tuple[int, int] = (1, 1), **options: Any) -> None:
        import yaml
        from ray.cluster_utils import Cluster

        self.port = free_port()
        self.address = f"ws://127.0.0.1:{self.port}"
        with mock.patch.dict(os.environ, PYTHONPATH=str(ROOT), RAY_SERVE_LOG_TO_STDERR="0"):
            self.cluster = Cluster(
                initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
            )
            self.nodes = [self.cluster.add_node(num_cpus=1) for _ in range(nodes)]
        config = yaml.safe_load((ROOT / "deploy" / "serve.yaml").read_text())
        config["http_options"]["port"], config["proxy_location"] = self.port, "HeadOnly"
        deployment = config["applications"][0]["deployments"][0]
        deployment["autoscaling_config"]["min_replicas"] = replicas[0]
        deployment["autoscaling_config"]["max_replicas"] = replicas[1]
        deployment["ray_actor_options"]["num_cpus"] = 1
        if cores := os.environ.get("IDEAL_CAT_CORES"):
            environment = deployment["ray_actor_options"]["runtime_env"]["env_vars"]
            environment["IDEAL_CAT_CORES"] = cores
        deployment.update(graceful_shutdown_timeout_s=1, health_check_period_s=1, **options)
        self._folder = tempfile.TemporaryDirectory(prefix="ideal-cat-serve-")
        file = Path(self._folder.name) / "serve.yaml"
        file.write_text(yaml.safe_dump(config))
        program = [sys.executable, "-m", "ray.serve.scripts", "run"]
        self._driver = subprocess.Popen(
            [*program, str(file), "--address", self.cluster.address, "--app-dir", str(ROOT)],
            cwd=ROOT,
            env=os.environ | ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(f"http://127.0.0.1:{self.port}/-/healthz", self._driver, PATIENCE)

    def kill_replicas(self) -> None:
        """Ends every process that computes, at once."""
        for replica in [one for node in self.nodes for one in _actors(node, "ServeReplica")]:
            replica.kill()

    def busy_node(self) -> Any:
        """A node that has a replica."""
        return next(node for node in self.nodes if _actors(node, "ServeReplica"))

    def proxy_memory(self) -> int:
        """Bytes of memory of the process that connections come in by."""
        (proxy,) = _actors(self.cluster.head_node, "ProxyActor")
        return proxy.memory_info().rss

    def close(self) -> None:
        """Ends all of it."""
        self._driver.kill()
        self._driver.wait()
        self.cluster.shutdown()
        self._folder.cleanup()


def _actors(node: Any, name: str) -> list[Any]:
    import psutil
    import ray  # noqa: F401 -- which brings psutil

    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    return [one for one in raylet.children() if name in " ".join(one.cmdline())]
