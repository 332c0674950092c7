"""NDJSON: every line is a record or a sentence about it, and the next one is read."""

import json
from hashlib import blake2b
from io import BytesIO
from itertools import pairwise
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsapi.imports.ndjson import MAX_LINE_BYTES, Line, iter_lines
from newsapi.imports.record_notes import RecordProblem
from newsapi.text.strict_json import InvalidJson, parse_line

BOM = b"\xef\xbb\xbf"


def read(data: bytes) -> list[Line]:
    return list(iter_lines(BytesIO(data)))


def told(raw: bytes) -> tuple[str, str]:
    with pytest.raises(InvalidJson) as caught:
        parse_line(raw)
    return caught.value.pointer, caught.value.message


class Endless:
    """A stream of one line of many bytes, which counts what it was asked for at once."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.most = 0

    def readline(self, limit: int) -> bytes:
        self.most = max(self.most, limit)
        size = min(limit, self.left)
        self.left -= size
        return b" " * size


def test_lines_come_in_order_with_their_numbers():
    assert [(line.number, line.raw) for line in read(b'{"a":1}\n{"b":2}\n')] == [(1, b'{"a":1}'), (2, b'{"b":2}')]


def test_a_last_line_without_a_line_feed_counts():
    assert [line.raw for line in read(b"{}\n[]")] == [b"{}", b"[]"]


def test_carriage_returns_do_not_belong_to_the_line():
    assert [line.raw for line in read(b"{}\r\n[]\r\n")] == [b"{}", b"[]"]


def test_a_mark_at_the_beginning_does_not_belong_to_the_line():
    assert [line.raw for line in read(BOM + b"{}\n")] == [b"{}"]


def test_a_mark_later_on_stays():
    assert [line.raw for line in read(b"{}\n" + BOM + b"{}")] == [b"{}", BOM + b"{}"]


def test_a_file_of_a_mark_alone_has_no_lines():
    assert read(BOM) == []


def test_an_empty_file_has_no_lines():
    assert read(b"") == []


def test_blank_lines_are_left_out_and_counted():
    assert [line.number for line in read(b"\n{}\n \t\r\n\n{}\n\n")] == [2, 5]


def test_the_offset_is_where_the_next_line_begins():
    data = BOM + b'\n {"a":1} \r\n\n{}'
    assert [line.offset for line in read(data)] == [data.index(b"\r\n") + 2, len(data)]


def test_reading_goes_on_where_it_stopped():
    data = BOM + b'{"a":1}\r\n\n{"b":2}\n{"c":3}'
    whole = read(data)
    stream = BytesIO(data)
    stream.seek(whole[0].offset)
    assert list(iter_lines(stream, number=whole[0].number, offset=whole[0].offset)) == whole[1:]


def test_the_digest_is_that_of_the_line_without_white_space():
    (line,) = read(b'  {"a":1}\t\r\n')
    assert line.digest == blake2b(b'{"a":1}', digest_size=16).digest()


def test_a_line_of_the_greatest_length_is_read():
    (line,) = read(BOM + b'"' + b"a" * (MAX_LINE_BYTES - 2) + b'"\r\n')
    assert (len(line.raw), line.problem) == (MAX_LINE_BYTES, None)


def test_a_line_that_is_too_long_is_told_and_the_next_one_read():
    data = b"{}\n" + b"a" * 10_000_000 + b"\r\n{}\n"
    first, long, last = read(data)
    assert (first.raw, last.raw, last.number, last.offset) == (b"{}", b"{}", 3, len(data))
    assert long == Line(2, len(data) - 3, b"", b"", RecordProblem("", "longer than 4,194,304 bytes"))


def test_one_byte_too_many_is_told():
    (line,) = read(b"a" * (MAX_LINE_BYTES + 1))
    assert line.problem is not None


def test_a_last_line_that_is_too_long_is_told():
    (line,) = read(b"a" * 10_000_000)
    assert (line.problem is None, line.offset) == (False, 10_000_000)


def test_a_line_that_is_too_long_is_never_held_whole():
    stream = Endless(50_000_000)
    (line,) = iter_lines(stream)
    assert (line.offset, stream.most <= MAX_LINE_BYTES + 5) == (50_000_000, True)


@given(st.lists(st.binary(max_size=20)))
def test_offsets_and_numbers_only_grow(parts):
    data = b"\n".join(parts)
    found = read(data)
    assert all(one.offset < other.offset and one.number < other.number for one, other in pairwise(found))
    assert all(line.offset <= len(data) for line in found)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_record_or_a_sentence(raw):
    try:
        answer = parse_line(raw)
    except InvalidJson as problem:
        answer = problem.message
    assert answer == {} or answer


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from('a b: c\\ d" e/'.split()), inner),
    max_leaves=20,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5), JSON))
def test_what_was_written_is_read_with_its_text_composed(record):
    parsed = parse_line(json.dumps(record).encode())
    assert parse_line(json.dumps(record, ensure_ascii=False, indent=1).encode()) == parsed
    assert {name: composed(value) for name, value in parsed.items()} == {
        name: composed(value) for name, value in record.items()
    }
    assert parse_line(json.dumps(parsed).encode()) == parsed


def composed(value):
    """A value with all its strings in Unicode NFC; names of members stay as they are."""
    if isinstance(value, str):
        return normalize("NFC", value)
    if isinstance(value, list):
        return [composed(item) for item in value]
    return {name: composed(member) for name, member in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("name", ["a", "e\u0301"])
def test_a_string_is_composed_wherever_it_is(name):
    parsed = parse_line(json.dumps({name: ["e\u0301", {"b": "\u1100\u1161"}, 1, None]}).encode())
    assert parsed == {name: ["\xe9", {"b": "\uac00"}, 1, None]}


@given(st.dictionaries(st.sampled_from(["a", "b:", ":"]), JSON, min_size=1), st.sampled_from([":", " :", "\t: "]), JSON)
def test_a_key_that_comes_twice_is_found_wherever_colons_are(record, colon, value):
    key = next(iter(record))
    text = json.dumps(record, separators=(",", colon))[:-1] + f",{json.dumps(key)}{colon}{json.dumps(value)}}}"
    assert told(text.encode()) == (f"/{key}", "duplicate key")


@pytest.mark.parametrize(
    ("raw", "pointer", "message"),
    [
        (b"[]", "", "expected an object, not a list"),
        (b'"a"', "", "expected an object, not a string"),
        (b"1", "", "expected an object, not a number"),
        (b"1.5", "", "expected an object, not a number"),
        (b"NaN", "", "expected an object, not a number"),
        (b"null", "", "expected an object, not null"),
        (b"true", "", "expected an object, not true or false"),
        (b'{"a":NaN}', "/a", "NaN is not a JSON number"),
        (b'{"a":[0,-Infinity]}', "/a/1", "-Infinity is not a JSON number"),
        (b'{"a":1e400}', "/a", "1e400 is out of range"),
        (b'{"a":-1e400}', "/a", "-1e400 is out of range"),
        (b'{"a":9223372036854775808}', "/a", "9223372036854775808 does not fit into 64 bits"),
        (b'{"a":-9223372036854775809}', "/a", "-9223372036854775809 does not fit into 64 bits"),
        (b'{"a":18446744073709551616}', "/a", "18446744073709551616 does not fit into 64 bits"),
        (b'{"a":' + b"9" * 5_000 + b"}", "/a", "9" * 60 + "… does not fit into 64 bits"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "/a" * 32, "nested deeper than 32 levels"),
        (b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", "/a" + "/0" * 31, "nested deeper than 32 levels"),
        (b"[" * 100_000, "", "nested deeper than 32 levels"),
        (b'{"a":' * 100_000, "", "nested deeper than 32 levels"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "", "nested deeper than 32 levels"),
        (b'{"a":"x\\u0000"}', "/a", "NUL (\\u0000) in a string"),
        (b'{"a":{"b/c~":["x","\\u0000"]}}', "/a/b~1c~0/1", "NUL (\\u0000) in a string"),
        (b'{"a\\u0000":1}', "/a\ufffd", "NUL (\\u0000) in a string"),
        (b'{"a":"\\ud800"}', "/a", "lone surrogate (\\ud800) in a string"),
        (b'{"a":"\\udc00\\ud800"}', "/a", "lone surrogate (\\udc00) in a string"),
        (b'{"\\uDFFF":1}', "/\ufffd", "lone surrogate (\\udfff) in a string"),
        (b'{"a":"\xed\xa0\x80"}', "", "not UTF-8: byte 0xed at column 7"),
        ('{"è":"'.encode() + b'\xff"}', "", "not UTF-8: byte 0xff at column 7"),
        (b"\xff\xfe{\0}\0", "", "not UTF-8: byte 0xff at column 1"),
        (b'{"a":1,"a":1}', "/a", "duplicate key"),
        (b'{"a":1,"\\u0061":2}', "/a", "duplicate key"),
        (b'{"b":"x:y","a":1,"a" : 2}', "/a", "duplicate key"),
        (b'{"b":"\\u003a","a":1,"a":2}', "/a", "duplicate key"),
        (b'{"x":[{"a":1},{"a":1,"a":2}]}', "/x/1/a", "duplicate key"),
        (b'{"":1,"":2}', "/", "duplicate key"),
        (b'{"' + b"k" * 100 + b'":NaN}', "/" + "k" * 60 + "…", "NaN is not a JSON number"),
        (b"", "", "not JSON: unexpected end at column 1"),
        (b'{"a":1', "", "not JSON: unexpected end at column 7"),
        (b'{"a":"x', "", "not JSON: unterminated string at column 6"),
        (b'{"a":1}}', "", "not JSON: unexpected data after the end at column 8"),
        (b"{a:1}", "", "not JSON: expected a key in double quotes at column 2"),
        (b'{"a" 1}', "", "not JSON: expected a colon at column 6"),
        (b'{"a":1 2}', "", "not JSON: expected a comma at column 8"),
        (b'{"a":}', "", "not JSON: expected a value at column 6"),
        (b'{"a":"\x00"}', "", "not JSON: a control character must be escaped at column 7"),
        (b'{"a":"\\x"}', "", "not JSON: invalid \\escape at column 7"),
        (BOM + b"{}", "", "not JSON: unexpected byte order mark at column 1"),
    ],
    ids=lambda value: f"{value[:40]!r} of {len(value)}",
)
def test_a_bad_line_is_told_with_its_place(raw, pointer, message):
    assert told(raw) == (pointer, message)


@pytest.mark.parametrize(
    ("raw", "record"),
    [
        (b"{}", {}),
        (b'{"a":9223372036854775807,"b":-9223372036854775808}', {"a": 2**63 - 1, "b": -(2**63)}),
        (b'{"a":1e19,"b":1e-400,"c":-0.5}', {"a": 1e19, "b": 0.0, "c": -0.5}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "😀"}),
        (b'{"a:b":":","c\\u003ad":"\\u003A"}', {"a:b": ":", "c:d": ":"}),
        (b'{"a":"\\\\u0000"}', {"a": "\\u0000"}),
        (b'{"a":true,"b":null,"c":[],"d":{}}', {"a": True, "b": None, "c": [], "d": {}}),
    ],
)
def test_a_good_line_is_read(raw, record):
    assert parse_line(raw) == record


def test_thirty_two_levels_are_not_too_deep():
    assert parse_line(b'{"a":' * 32 + b"1" + b"}" * 32)


def test_an_unreadable_line_says_place_and_sentence():
    assert str(InvalidJson("/a", "is wrong")) == "/a: is wrong"


def test_an_unreadable_line_without_a_place_says_the_sentence():
    assert str(InvalidJson("", "is wrong")) == "is wrong"


def test_a_poisoned_file_loses_only_its_poisoned_lines():
    poison = [b"[]", b'"x"', b"1", b"null", b"NaN", b"\0", b"\xff", b"[" * 100_000, b'{"a":' + b"9" * 5_000 + b"}"]
    data = BOM + b"\r\n".join(b'{"good":1}\n' + bad for bad in poison)
    good = bad = 0
    for line in iter_lines(BytesIO(data)):
        try:
            parse_line(line.raw)
            good += 1
        except InvalidJson:
            bad += 1
    assert (good, bad) == (len(poison), len(poison))
