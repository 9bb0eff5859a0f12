"""The network as a picture: one bar a layer, grouped by resolution; a click picks a layer."""

from collections.abc import Callable, Sequence

import streamlit as st

from engine.core.types import LayerInfo

KINDS = (
    ("convolution", ("Conv2D", "DepthwiseConv2D", "SeparableConv2D")),
    ("normalization", ("BatchNormalization", "LayerNormalization", "Rescaling", "Normalization")),
    ("activation", ("ReLU", "Activation", "Softmax", "LeakyReLU")),
    ("dense", ("Dense",)),
)

# What a layer of each kind does, in a sentence.
DOES = {
    "Conv2D": "slides small kernels over all maps before it and adds up the products.",
    "DepthwiseConv2D": "slides one small kernel over each map alone.",
    "SeparableConv2D": "slides a kernel over each map, then mixes the maps.",
    "BatchNormalization": "shifts and scales each map to the mean and deviation it has learned.",
    "LayerNormalization": "shifts and scales all channels of a place to mean 0 and deviation 1.",
    "Rescaling": "scales the values to the range that the network was trained with.",
    "Normalization": "shifts and scales the colours as in training.",
    "ReLU": "sets values below zero to zero, so that only positive responses are passed on.",
    "Activation": "applies a nonlinear function to each value.",
    "MaxPooling2D": "keeps the largest value of each window: maps shrink, strong responses stay.",
    "AveragePooling2D": "keeps the mean of each window: maps shrink.",
    "Add": "adds up maps: a shortcut past some layers, through which gradients reach early layers.",
    "Concatenate": "joins the channels of several layers.",
    "Multiply": "weighs maps by other values.",
    "ZeroPadding2D": "puts a border of zeros around each map.",
    "Dropout": "leaves values out at random in training; now it does nothing.",
}

_HTML = '<div class="map" role="group" aria-label="Layers of the network"></div>'
_CSS = """
.map { display: flex; flex-wrap: wrap; gap: 12px; padding: 3px 3px 6px;
  font-family: var(--st-font); color: var(--st-text-color); }
.stage { display: flex; flex-direction: column; gap: 4px; max-width: 100%; }
.bars { display: flex; align-items: flex-end; gap: 1px; height: 96px; padding-top: 3px;
  border-bottom: 2px solid var(--st-border-color); }
.label { font-size: 12px; opacity: .8; white-space: nowrap; }
button { all: unset; box-sizing: border-box; flex: 1 1 4px; max-width: 16px; cursor: pointer;
  border-radius: 2px 2px 0 0; opacity: .75; }
button:hover { opacity: 1; filter: brightness(1.15); }
button:focus-visible { outline: 2px solid var(--st-text-color); outline-offset: 1px; }
button[aria-pressed=true] { opacity: 1; flex-basis: 9px; outline: 2px solid var(--st-text-color); }
button[disabled] { cursor: default; opacity: .3; }
.convolution { background: #6b64e4; } .normalization { background: #8d8d9c; }
.activation { background: #d9772b; } .dense { background: #b8437f; } .other { background: #1b8a7a; }
"""
_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const map = parentElement.querySelector(".map");
  const active = parentElement.activeElement || document.activeElement;
  const focused = map.contains(active) ? active.dataset.layer : null;
  map.replaceChildren();
  const buttons = [];
  for (const stage of data.stages) {
    const box = document.createElement("div");
    box.className = "stage";
    box.style.flex = `${stage.layers.length} 0 auto`;
    const bars = document.createElement("div");
    bars.className = "bars";
    for (const [index, name, words, kind, height, maps] of stage.layers) {
      const bar = document.createElement("button");
      bar.className = kind;
      bar.style.height = height + "%";
      bar.title = words;
      bar.dataset.layer = name;
      bar.setAttribute("aria-label", words);
      bar.setAttribute("aria-pressed", String(name === data.selected));
      bar.disabled = !maps;
      bar.tabIndex = name === data.selected ? 0 : -1;
      bar.onclick = () => setTriggerValue("picked", name);
      if (maps) buttons.push(bar);
      bars.append(bar);
    }
    const label = document.createElement("div");
    label.className = "label";
    label.textContent = stage.label;
    box.append(bars, label);
    map.append(box);
  }
  map.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = buttons.indexOf(parentElement.activeElement || document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = buttons[Math.min(Math.max(at + step, 0), buttons.length - 1)];
    next.focus();
  };
  if (focused) buttons.find((bar) => bar.dataset.layer === focused)?.focus();
}
"""
_map = st.components.v2.component("network_map", html=_HTML, css=_CSS, js=_JS)


def kind_of(info: LayerInfo) -> str:
    """The family a layer is coloured by."""
    return next((family for family, kinds in KINDS if info.kind in kinds), "other")


def describe(info: LayerInfo) -> str:
    """A layer in a line: name, kind, shape."""
    shape = " × ".join(str(n) for n in info.shape)
    return f"{info.name} · {info.kind} · {shape}"


def explain(info: LayerInfo) -> str:
    """What a layer does, in a sentence; "" for a kind that is not explained."""
    return f"{info.kind} {DOES[info.kind]}" if info.kind in DOES else ""


def network_map(
    layers: Sequence[LayerInfo], selected: str, on_pick: Callable[[str], None], *, key: str
) -> None:
    """Draws the network; `on_pick` gets the name of a clicked layer before the next run.

    A bar is as high as the layer's maps are large (logarithmically); each stage is a resolution.
    """
    stages: dict[int, list[LayerInfo]] = {}
    for info in layers:
        stages.setdefault(info.stage, []).append(info)
    largest = max(info.shape[0] for info in layers if info.has_maps).bit_length()
    data = {
        "selected": selected,
        "stages": [
            {
                "label": _stage_label(members),
                "layers": [
                    [
                        number,
                        info.name,
                        f"{describe(info)} · {info.parameters:,} parameters",
                        kind_of(info),
                        _height(info, largest),
                        info.has_maps,
                    ]
                    for number, info in enumerate(members)
                ],
            }
            for members in stages.values()
        ],
    }

    def picked() -> None:
        name = st.session_state[key].get("picked")
        if name is not None:
            on_pick(name)

    _map(data=data, key=key, on_picked_change=picked)


def legend() -> None:
    """What the colours of the bars mean."""
    swatches = {
        "convolution": "#6b64e4",
        "normalization": "#8d8d9c",
        "activation": "#d9772b",
        "pooling, adding, other": "#1b8a7a",
        "dense": "#b8437f",
    }
    marks = "".join(
        f'<span style="white-space:nowrap"><span style="display:inline-block;width:.7rem;height:'
        f'.7rem;border-radius:3px;background:{colour};margin-right:.35rem"></span>{name}</span>'
        for name, colour in swatches.items()
    )
    st.html(
        f'<div style="display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.8rem">{marks}</div>'
    )


def _stage_label(members: Sequence[LayerInfo]) -> str:
    side = next((i.shape[:2] for i in members if i.has_maps and i.shape[0] > 1), None)
    return f"{side[0]} × {side[1]}" if side else "output"


def _height(info: LayerInfo, largest: int) -> int:
    side = info.shape[0] if info.has_maps else 1
    return round(14 + 86 * (side.bit_length() - 1) / max(largest - 1, 1))
