"""The service as a deployment of Ray Serve; `deploy/serve.yaml` says how many there are of it.

Serve starts and ends its replicas, restarts lost ones, and sends a run to one that has its networks
loaded.
"""

from typing import Any

from ray import serve

from engine.cluster.service import Service


@serve.deployment
@serve.ingress()
class Replica:
    """One process with loaded networks."""

    def __init__(self) -> None:
        on_start: Any = self.networks
        self._service = Service(on_start)

    def __serve_build_asgi_app__(self) -> object:
        return self._service.application()

    @serve.multiplexed(max_num_models_per_replica=4)
    async def networks(self, names: str) -> str:
        """Lets Serve know which networks are loaded here; the run itself loads them."""
        return names


app = Replica.bind()
