"""Home: what this is, four doors, which backbones are ready, and what it runs on."""

from components import shell
from components.home import doors, panels

shell.page(
    "Ideal Cat",
    "A pretrained image network, opened: look inside, train it, ask for its ideal cat, fool it.",
)
doors.show()
panels.backbone_table()
panels.this_machine()
