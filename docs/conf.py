"""How Sphinx builds the pages: `make docs`, warnings are errors, links and anchors are checked."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
project = 'dex1b'
author = 'dex1b maintainers'
project_copyright = author
release = ElementTree.parse(ROOT / 'dex1b_core' / 'package.xml').getroot().findtext('version', '')

extensions = ['myst_parser']
myst_enable_extensions = ['dollarmath', 'tasklist']
myst_heading_anchors = 4
root_doc = 'index'
smartquotes = False  # they would bend what one types
html_theme = 'furo'
html_title = f'dex1b {release}'
html_show_sphinx = False
html_math_renderer = 'mathml'
html_static_path = ['_static']
html_css_files = ['site.css']
html_theme_options = {'sidebar_hide_name': False, 'navigation_with_keys': True}
suppress_warnings = ['misc.highlighting_failure']


def link_outside(app: Sphinx, page: str, source: list[str]) -> None:
    """Files of the repository that are no pages become downloads, folders just their names."""
    folder = (Path(app.srcdir) / page).parent

    def mended(match: re.Match[str]) -> str:
        words, target = match.groups()
        path = (folder / target.split('#')[0]).resolve()
        if not path.exists() or path.is_relative_to(app.srcdir):
            return match.group(0)
        if path.is_dir():
            return f'{words} (`{path.relative_to(ROOT)}`)'
        return '{download}`' + words.strip('`') + f' <{target}>`'

    source[0] = re.sub(r'(?<!!)\[([^\]]+)\]\((\.\./[^)\s]*)\)', mended, source[0])


def visit_math(translator: Any, node: nodes.math | nodes.math_block) -> None:
    """Formulas as MathML, which browsers show by themselves: no script, no network."""
    block = isinstance(node, nodes.math_block)
    translator.body.append(tex2mathml(node.astext(), as_block=block))
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Register what is ours."""
    app.connect('source-read', link_outside)
    app.add_html_math_renderer('mathml', (visit_math, None), (visit_math, None))
