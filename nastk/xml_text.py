"""XML as nastk reads it from strangers: elements and texts, without entities of its own, which a few lines of
can make gigabytes or name files of this machine."""

from __future__ import annotations

from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat


def read_xml(content: bytes) -> Element:
    """The root element of a document; ValueError in one line if it is none, whatever the bytes."""
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = _refuse_entity
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise ValueError(f"no XML: {error}") from None
    except (LookupError, UnicodeError) as error:  # an encoding that Python does not know
        raise ValueError(f"no XML: {' '.join(str(error).split())}") from None
    root: Element = builder.close()
    return root


def _refuse_entity(name: str, *_declaration: object) -> None:
    raise ValueError(f"no XML that is read: it declares the entity {name[:30]!r}")
