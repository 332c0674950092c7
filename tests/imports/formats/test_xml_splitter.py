"""Splitting of files into elements, whatever pieces they are read in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi.imports.readers.xml.xml_splitter import ElementText, Outside, split_elements

NAMES = r"(?:\w+:)?item"


def split(text, size=7):
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    return list(split_elements(pieces, NAMES))


def elements(text, size=7):
    return [(part.line, part.text, part.problem) for part in split(text, size) if isinstance(part, ElementText)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<a>\n<item>x</item>\n<item/></a>", [(2, "<item>x</item>", None), (3, "<item/>", None)]),
        ("<items><item id='1' >x</item ></items>", [(1, "<item id='1' >x</item >", None)]),
        ("<r:item>x</item></r:item>", [(1, "<r:item>x</item></r:item>", None)]),
        ("<!-- <item>no</item> --><item>x</item>", [(1, "<item>x</item>", None)]),
        ("<![CDATA[<item>no]]><item>x</item>", [(1, "<item>x</item>", None)]),
        ("<?x <item> ?><item>x</item>", [(1, "<item>x</item>", None)]),
        ('<!DOCTYPE a [<!ENTITY b "<item>">]><item>x</item>', [(1, "<item>x</item>", None)]),
        ("<item><![CDATA[</item>]]></item>", [(1, "<item><![CDATA[</item>]]></item>", None)]),
        ("<item><!-- </item> --></item>", [(1, "<item><!-- </item> --></item>", None)]),
        (
            "<item>a<item>b</item>",
            [(1, "<item>a", "has no end tag </item>"), (1, "<item>b</item>", None)],
        ),
        ("<item>a", [(1, "<item>a", "is cut off: the file ends within it")]),
        (
            "<item><![CDATA[a</item><item><![CDATA[b]]></item>",
            [(1, "<item><![CDATA[a</item>", None), (1, "<item><![CDATA[b]]></item>", None)],
        ),
    ],
)
def test_elements_are_found(text, found, size):
    assert elements(text, size) == found


@given(
    st.lists(
        st.sampled_from(["<item>", "</item>", "<![CDATA[", "]]>", "<!--", "-->", "<?", "?>", "x", "\n", "<", "<a>"])
    ),
    st.integers(1, 20),
)
def test_no_text_is_lost_and_pieces_do_not_matter(parts, size):
    text = "".join(parts)
    found = split(text, size)
    assert all(isinstance(part, ElementText | Outside) for part in found)
    assert "".join(part.text for part in found) == text
    joined = [part for part in split(text, 1_000) if isinstance(part, ElementText)]
    assert [part for part in found if isinstance(part, ElementText)] == joined


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ["<item>", "<![CDATA[", "<!--", "<?", "<!DOCTYPE [", "</item>", "<", "]]>"])
def test_time_is_linear(piece):
    text = piece * (300_000 // len(piece))
    assert split(text, 100_000)
    assert split(f"<item>{text}", 100_000)
