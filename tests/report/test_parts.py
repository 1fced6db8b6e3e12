"""Parts of a section."""

import base64
from xml.etree import ElementTree as ET

from palm_bayes.report.parts import Picture


def test_drawings_are_well_formed():
    class Figure:
        def savefig(self, drawing, **_):
            drawing.write("<svg>\n<!-- a\x1b[31m\x07\ufffe -->\n</svg>".encode())

        def get_size_inches(self):
            return 1, 1

    uri = Picture.of(Figure(), "", "").uri
    text = base64.b64decode(uri.partition(",")[2]).decode()
    assert r"a\x1b[31m\x07\ufffe" in text
    ET.fromstring(text)
