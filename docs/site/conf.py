"""Settings of the site; `make docs` builds it from docs/_build/source (see stage.py)."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from members import members  # noqa: E402

from palm_bayes import __version__  # noqa: E402

project = "palm_bayes"
author = "the palm_bayes developers"
project_copyright = f"2026, {author}"
version = release = __version__
language = "en"
highlight_language = "text"  # of indented blocks: mostly output

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "formulas",
    "members",
]
exclude_patterns = ["gallery/*.ipynb"]  # made for download
templates_path = [str(HERE / "_templates")]
default_role = "autolink"
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", r"palm_bayes(\.[a-z_]+)+(\.[A-Z_]+)?"),  # modules and functions without a page
    ("py:obj", r"[a-z_]+(\.[a-z]+)?"),  # parameters, and other libraries
]
suppress_warnings = ["config.cache"]  # `autosummary_context` holds a function
add_module_names = False
python_use_unqualified_type_names = True
html_show_sphinx = False

# Pages and notebooks
myst_heading_anchors = 3
myst_enable_extensions = ["deflist", "dollarmath"]
nb_execution_mode = "off"  # outputs are stored in the notebooks
nb_ipywidgets_js: dict[str, str] = {}
html_math_renderer = "mathml"
nb_merge_streams = True

# API
autosummary_generate = True
autosummary_context = {"documented": members}
autodoc_typehints = "none"  # numpydoc shows the types in the words of the docstrings
numpydoc_show_class_members = False  # the template of classes lists them
numpydoc_validation_checks = {
    *("GL01", "GL03", "GL05", "GL06", "GL07"),  # white space, sections, and their order
    *("SS02", "SS03", "SS04", "SS06"),  # the summary
    # Parameters: in order, none unknown. Not that there are all (PR01): fields of a dataclass are
    # attributes, and a short method says in its first line what it takes.
    *("PR02", "PR03", "PR05", "PR10"),
    *("RT02", "YD01"),
}

# Gallery
sphinx_gallery_conf = {
    "examples_dirs": ["../gallery"],
    "gallery_dirs": ["gallery"],
    "filename_pattern": "/",
    "image_scrapers": ("figures.scrape",),
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 3600,
    "abort_on_example_error": False,
    "copyfile_regex": "",
}

# Look
html_theme = "pydata_sphinx_theme"
html_title = "palm_bayes"
html_static_path = [str(HERE / "_static")]
html_css_files = ["site.css"]
html_sidebars: dict[str, list[str]] = {"index": [], "get-started": []}  # pages of their own
html_sourcelink_suffix = ""
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "palm_bayes"},
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
copybutton_exclude = ".linenos, .gp, .go"
