"""Files of XML that anybody may have written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nastk.xml_text import read_xml


def test_elements_and_texts():
    root = read_xml(b"<?xml version='1.0' encoding='latin-1'?><a><b>1 &lt; \xfc</b><b n='2'/></a>")
    assert [(child.tag, child.text, child.attrib) for child in root] == [
        ("b", "1 < \xfc", {}),
        ("b", None, {"n": "2"}),
    ]


def test_deep_documents_are_read():
    assert read_xml(b"<a>" * 20_000 + b"</a>" * 20_000).tag == "a"


@given(st.text(alphabet="<>/ab&;!?'=\"[] -\n") | st.text())
def test_any_text_is_read_or_refused(text):
    try:
        read_xml(text.encode(errors="surrogatepass"))
    except ValueError as error:
        assert str(error).startswith("no XML") and "\n" not in str(error)


@pytest.mark.parametrize("value", ['"lol"', 'SYSTEM "file:///etc/passwd"'])
@pytest.mark.parametrize("kind", ["", "% "])
def test_entities_are_refused_where_they_are_declared(kind, value):
    with pytest.raises(ValueError, match="no XML that is read: it declares the entity 'lol'"):
        read_xml(f"<!DOCTYPE a [<!ENTITY {kind}lol {value}>]><a/>".encode())


def test_unknown_encodings():
    with pytest.raises(ValueError, match="no XML: unknown encoding"):
        read_xml(b"<?xml version='1.0' encoding='klingon'?><a/>")
