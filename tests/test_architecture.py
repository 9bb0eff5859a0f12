"""Imports run one way, down: pages, then components, then the engine."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = [
    *ROOT.glob("*.py"),
    *(p for layer in ("pages", "components", "engine") for p in (ROOT / layer).rglob("*.py")),
]
FORBIDDEN = {
    "engine": {"streamlit", "components", "pages", "plotly", "training"},
    "components": {"pages", "streamlit_app", "tensorflow", "keras", "jax"},
    "pages": {"pages", "streamlit_app", "tensorflow", "keras", "jax", "threading"},
    ".": {"pages", "tensorflow", "keras", "jax", "threading"},
}


def imported(tree: ast.AST) -> set[str]:
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add(node.module or "")
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
    return modules


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_imports_run_down(file):
    layer = str(file.relative_to(ROOT).parts[0]) if file.parent != ROOT else "."
    tops = {module.split(".")[0] for module in imported(ast.parse(file.read_text()))}
    assert not tops & FORBIDDEN[layer]


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_only_the_backend_file_knows_the_backend(file):
    if file.name != "backend.py":
        tops = {module.split(".")[0] for module in imported(ast.parse(file.read_text()))}
        assert not tops & {"tensorflow", "jax"}


@pytest.mark.parametrize("file", sorted((ROOT / "pages").glob("*.py")), ids=lambda f: f.name)
def test_pages_define_no_classes(file):
    """Streamlit executes a page again and again; each time its classes would be new ones."""
    assert not [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.ClassDef)]


def test_home_is_drawn_without_tensorflow():
    """What the home page imports at its top must not import Keras, nor Plotly."""
    light = ["streamlit_app.py", "components/shell.py", "components/weights_panel.py"]
    light += ["components/cache.py", "engine/weights.py", "engine/registry.py", "engine/images.py"]
    for name in light:
        tree = ast.parse((ROOT / name).read_text())
        top = ast.Module([n for n in tree.body if not isinstance(n, ast.If)], [])
        outer = [n for n in top.body if isinstance(n, ast.Import | ast.ImportFrom)]
        modules = imported(ast.Module(outer, []))
        assert not {m.split(".")[0] for m in modules} & {"keras", "tensorflow", "plotly", "skimage"}
        assert not modules & {"engine.backbones", "engine.backend", "engine.features"}
