"""The same file once more: whatever its lines say of each other, nothing moves. Chunks are small, so that lines meet
across them."""

import random
from io import BytesIO

import pytest

from newsapi.imports.line_index import LineIndex
from newsapi.imports.ndjson import iter_lines as read_lines
from tests.support.import_records import arbitrary, article, brand, lines, term
from tests.support.invariants import dump


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr("newsapi.imports.loader.BATCH_LINES", 3)


@pytest.mark.parametrize("seed", [*range(1, 5), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(5, 60))])
def test_a_file_of_any_lines_changes_nothing_when_run_again(load, database, clock, seed):
    chance = random.Random(seed)
    records = [arbitrary(chance) for _ in range(chance.choice([10, 40, 120]))]
    last, rejects = None, None
    for _ in range(5):  # what was refused for want of a brand may be taken when it is there
        again = load(*records)
        if again.rejects == rejects:
            assert dump(database) == last
            assert again.counts[:2] == (0, 0)
        last, rejects = dump(database), again.rejects
        clock.forward(days=1)
    assert load(*records).rejects == rejects


def test_what_a_later_line_said_far_below_stands(load, database, clock):
    records = [
        article("velar", headline="Prima"),
        *(article(f"a{n}") for n in range(9)),
        article("velar"),
        article("z"),
    ]
    load(*records)
    before = dump(database)
    clock.forward(days=1)
    assert load(*records).counts == (0, 0, len(records), 0)
    assert dump(database) == before


def test_terms_by_turns_change_nothing_when_run_again(load, database, clock):
    names = ("Uno", "Due", "Uno", "Tre")
    for kind in ("brand", "section", "author", "tag"):
        records = [term(kind, "x", name=name) for name in names]
        load(*records)
        before = dump(database)
        clock.forward(days=1)
        assert load(*records).counts == (0, 0, len(records), 0)
        assert dump(database) == before


def test_a_line_that_overtook_in_another_file_does_not_hold_this_one_up(load, stored):
    load(article("velar", headline="Prima"), article("velar", headline="Dopo"))
    load(article("velar", headline="Dopo"), *(article(f"a{n}") for n in range(4)), article("velar", headline="Prima"))
    assert stored("velar").headline == "Prima"
    load(brand("x", name="Uno"), brand("x", name="Due"))
    assert load(brand("x", name="Uno")).counts == (0, 1, 0, 0)


def test_a_line_that_was_overtaken_is_taken_where_the_later_one_is_refused(load, stored):
    records = [article("velar", headline="Prima"), *(article(f"a{n}") for n in range(4)), article("velar", brand="no")]
    for _ in range(2):
        assert load(*records).places == [(6, "/brand")]
        assert stored("velar").headline == "Prima"


@pytest.mark.parametrize("done", range(1, 8))
def test_a_run_that_was_cut_off_between_two_lines_of_one_article_is_gone_on_with(load, stored, database, done):
    records = [article("velar", headline=f"Riga {n}") if n % 2 else article(f"a{n}") for n in range(8)]
    load(*records[:done])
    load(*records)
    assert stored("velar").headline == "Riga 7"
    before = dump(database)
    assert load(*records).counts == (0, 0, 8, 0)
    assert dump(database) == before


def test_positions_are_those_of_the_last_line_that_says_so_and_leave_the_stream_where_it_is():
    stream = BytesIO(b"\xef\xbb\xbfno record before it\n" + lines(term("tag", "a"), term("tag", "b"), term("tag", "a")))
    stream.readline()
    found = LineIndex(stream)
    digests = [line.digest for line in read_lines(BytesIO(lines(term("tag", "a"), term("tag", "b"), term("tag", "c"))))]
    stream.readline()
    here = stream.tell()
    assert [found.last_line_with(digest) for digest in digests] == [3, 2, 0]
    assert stream.tell() == here
