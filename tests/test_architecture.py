"""Imports run one way, down, from room to room, and each room is entered through its front door."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# What each room may import, besides itself. A room is a folder of the engine or of the components;
# `core` is what every room stands on.
ENGINE = {
    "core": set(),
    "classroom": {"core"},
    "storage": {"core"},
    "backbones": {"core", "storage"},
    "features": {"core", "backbones"},
    "synthesis": {"core", "backbones"},
    "attacks": {"core", "backbones"},
    "transfer": {"core", "backbones", "storage"},
    "runs": {"core", "backbones", "synthesis", "attacks", "transfer"},
    "cluster": {"core", "backbones", "storage", "transfer", "runs"},
}
SCREENS = {
    "home",
    "feature_maps",
    "transfer_learning",
    "ideal_images",
    "adversarial_attacks",
    "quiz",
    "wall",
}
COMPONENTS = {"shell": set(), "widgets": {"shell"}} | {
    screen: {"shell", "widgets"} for screen in SCREENS
}
FORBIDDEN = {  # by whatever part of the project
    "engine": {"streamlit", "components", "pages", "plotly", "training", "benchmarks", "tests"},
    "components": {"pages", "streamlit_app", "tensorflow", "keras", "jax", "benchmarks", "tests"},
    "pages": {"pages", "streamlit_app", "tensorflow", "keras", "jax", "threading"},
    "benchmarks": {"tests", "pages"},
    "tests": {"pages", "benchmarks"},
    "harness": {"tests", "pages", "benchmarks"},
    ".": {"pages", "tensorflow", "keras", "jax", "threading"},
}
FILES = [
    *ROOT.glob("*.py"),
    *(p for part in FORBIDDEN if part != "." for p in (ROOT / part).rglob("*.py")),
]


def imports(file: Path) -> list[tuple[str, tuple[str, ...]]]:
    """`(module, names)` of every import of a file, also those within functions."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.module or "", tuple(alias.name for alias in node.names)))
    return found


def place(file: Path) -> tuple[str, str]:
    """`(part, room)` of a file: `engine/attacks/loop.py` is in `("engine", "attacks")`."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    if len(parts) == 1:
        return ".", ""
    return parts[0], parts[1] if parts[0] in ("engine", "components") else ""


def rooms_imported(part: str, file: Path) -> list[tuple[str, str, tuple[str, ...]]]:
    """`(room, module, names)` of what a file imports of the engine or of the components."""
    found = []
    for module, names in imports(file):
        if module == part:
            found += [(name, module, (name,)) for name in names]
        elif module.startswith(f"{part}."):
            found.append((module.split(".")[1], module, names))
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_parts_import_downwards(file):
    part, _ = place(file)
    tops = {module.split(".")[0] for module, _ in imports(file)}
    assert not tops & FORBIDDEN[part]


@pytest.mark.parametrize("part", ["engine", "components"])
def test_every_room_is_in_the_table(part):
    table = ENGINE if part == "engine" else COMPONENTS
    rooms = {place(file)[1] for file in (ROOT / part).rglob("*.py")} - {"__init__"}
    assert rooms == set(table)


@pytest.mark.parametrize("part", ["engine", "components"])
def test_rooms_import_only_what_the_table_allows(part):
    table = ENGINE if part == "engine" else COMPONENTS
    aliases = {"datasets": "storage", "robustness": "attacks"}  # named by the engine itself, too
    aliases |= dict.fromkeys(("backend", "config", "images"), "core")
    arrows = {
        (room, aliases.get(other, other), str(file.relative_to(ROOT)))
        for file in (ROOT / part).rglob("*.py")
        if (room := place(file)[1]) != "__init__"
        for other, _, _ in rooms_imported(part, file)
    }
    assert [
        arrow
        for arrow in sorted(arrows)
        if arrow[1] != arrow[0] and arrow[1] not in table[arrow[0]]
    ] == []


def test_the_tables_have_no_circle():
    for table in (ENGINE, COMPONENTS):
        rest = dict(table)
        while rest:
            ground = {room for room, below in rest.items() if not below & set(rest)}
            assert ground, f"these rooms import each other: {sorted(rest)}"
            rest = {room: below for room, below in rest.items() if room not in ground}


@pytest.mark.parametrize("part", ["engine", "components"])
def test_rooms_are_entered_through_their_front_door(part):
    """Whoever stands outside imports a name that the room's `__init__` exports, or its module.

    The engine's own rooms may only do the former, except for `core`, which exports its modules.
    """
    reached = []
    for file in FILES:
        mine = place(file)
        if mine[0] == "tests":  # tests of a room may look into it
            continue
        for room, module, names in rooms_imported(part, file):
            if mine == (part, room) or not (ROOT / part / room).is_dir():
                continue
            inside = module.split(".")[2:]
            private = [name for name in names if name.startswith("_")]
            if (inside and mine[0] == "engine" and room != "core") or private:
                reached.append((str(file.relative_to(ROOT)), module, names))
    assert reached == []


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_only_the_backend_file_knows_the_backend(file):
    if place(file)[0] not in ("tests", "benchmarks") and file.name != "backend.py":
        assert not {module.split(".")[0] for module, _ in imports(file)} & {"tensorflow", "jax"}


def test_only_config_reads_the_environment():
    readers = [
        file.name
        for part in ("engine", "components", "pages")
        for file in (ROOT / part).rglob("*.py")
        if any(
            isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
            for node in ast.walk(ast.parse(file.read_text()))
        )
    ]
    assert readers == ["config.py"]


@pytest.mark.parametrize("file", sorted((ROOT / "pages").glob("*.py")), ids=lambda f: f.name)
def test_pages_define_no_classes(file):
    """Streamlit executes a page again and again; each time its classes would be new ones."""
    assert not [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.ClassDef)]


@pytest.mark.parametrize(
    "file", ["streamlit_app.py", *(f"pages/{f.name}" for f in sorted(ROOT.glob("pages/*.py")))]
)
def test_a_page_begins_without_heavy_libraries(file):
    """A fresh process imports what a page imports at its top; none of these comes along.

    A page can be drawn before they are imported, and one thread alone imports them, as they do not
    bear being imported by several. Streamlit itself brings Plotly, which is why only what the app
    adds is looked at.
    """
    top = [
        n
        for n in ast.parse((ROOT / file).read_text()).body
        if isinstance(n, ast.Import | ast.ImportFrom)
    ]
    program = "import sys, streamlit\nbefore = set(sys.modules)\n"
    program += "\n".join(map(ast.unparse, top)) + (
        "\nprint([m for m in ('keras', 'tensorflow', 'skimage', 'plotly', 'scipy', 'sklearn')"
        " if m in set(sys.modules) - before])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
