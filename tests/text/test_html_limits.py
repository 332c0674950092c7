"""Markup that makes parsers slow: it is sanitized in a time that grows with its length."""

import inspect
import sys
import time

import pytest

from newsapi.text.html import html_to_text, sanitize_html


def sanitized(html: str) -> str:
    return sanitize_html(html, base="https://www.example.it/", embed_hosts=frozenset()).html


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 60_000,
        "<ul><li>" * 30_000,
        "<b>x" * 60_000,
        "<p><b><i><u>x" * 20_000,
        "".join(f"<b {number}>" for number in range(9_000)) + "<i>" * 9_000 + "x</b>" * 9_000,
        "<p>" + "".join(f"<b a={number}>" for number in range(100)) + "</p><p>x" * 40_000,
        "<i><object></i></object><div></div>" * 8_000,
        "<p " + " ".join(f"a{number}=1" for number in range(60_000)) + ">",
        '<!-- <a b="--> <p ' + " ".join(f"a{number}" for number in range(60_000)) + ">",
        '<p style="' + "background:" * 30_000 + '">',
        '<a href="#x">' + "<a name=x></a>" * 20_000,
        "x<!---->" * 40_000,
        "<noscript><img src=x></noscript>" * 10_000,
        "<div data-url=x>" * 20_000,
    ],
    ids=lambda html: repr(html[:24]),
)
def test_markup_that_is_slow_to_parse_is_sanitized_in_time(html):
    start = time.process_time()
    once = sanitized(html)
    assert time.process_time() - start < 20  # without limits most of these take minutes
    assert sanitized(once) == once


def test_text_below_the_deepest_level_stays():
    assert html_to_text(sanitized("<div>" * 500 + "in fondo" + "</div>" * 500 + "dopo")).split() == [
        "in",
        "fondo",
        "dopo",
    ]


@pytest.mark.parametrize("html", ["<table><td>" * 900, "<b><p>" * 900, "<div>" * 900, "<ul><li><dl><dd>" * 300])
def test_deep_nesting_takes_few_calls_within_calls(html):
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 600)
    try:
        assert html_to_text(sanitized(f"{html}in fondo")) == "in fondo"
    finally:
        sys.setrecursionlimit(limit)


def test_a_tag_with_hundreds_of_attributes_is_text():
    tag = "<p " + " ".join(f"a{number}" for number in range(300)) + ">"
    assert sanitized(tag) == tag.replace("<", "&lt;").replace(">", "&gt;")


def test_an_article_with_thousands_of_elements_is_kept_whole():
    html = "<p>Il <b>gruppo</b> e <em>altro</em><br>qui</p>" * 3_000
    assert sanitized(html) == html
