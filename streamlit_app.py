"""Home: what this is, four doors, what it runs on, and which backbones are ready."""

from components import shell
from components.home import doors, panels

shell.page(
    "Ideal Cat",
    "A pretrained image network, opened: look inside, train it, ask for its ideal cat, fool it.",
)
doors.show()
panels.engine_status()
panels.backbone_table()
