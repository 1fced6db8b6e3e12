"""Pictures of the gallery's figures."""

from typing import Any

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst


def scrape(_block: Any, names: dict[str, Any], settings: dict[str, Any]) -> str:
    """Save the figures that a block of an example made, which pyplot does not know."""
    seen = names.setdefault("figures_seen", [])
    paths = []
    for value in names["example_globals"].values():
        if isinstance(value, Figure) and not any(value is figure for figure in seen):
            seen.append(value)
            path = next(names["image_path_iterator"])
            value.savefig(path, dpi=160, bbox_inches="tight")
            paths.append(path)
    return figure_rst(paths, settings["src_dir"])
