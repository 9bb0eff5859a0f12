"""The screens, as the sidebar lists them: file, title, icon."""

from pathlib import PurePath

PAGES = (
    ("streamlit_app.py", "Home", ":material/home:"),
    ("pages/feature_maps.py", "Feature maps", ":material/grid_view:"),
    ("pages/transfer_learning.py", "Transfer learning", ":material/pets:"),
    ("pages/ideal_images.py", "Ideal images", ":material/auto_awesome:"),
    ("pages/adversarial_attacks.py", "Adversarial attacks", ":material/visibility_off:"),
    ("pages/quiz.py", "Quiz", ":material/quiz:"),
    ("pages/wall.py", "Class wall", ":material/groups:"),
)
# Title of a screen by the name that its address has.
TITLES = {PurePath(path).stem: title for path, title, _ in PAGES if path.startswith("pages/")}
