"""Whatever is imported in whatever order: lists, counts, log and history agree, and the last good line stands."""

import random

import pytest

from tests.records import Record, article, brand, term

IDS = [f"0192d3a0-0000-7000-8000-0000000000{number:02}" for number in range(4)]


def arbitrary(chance: random.Random) -> Record:
    """A record out of few names, so that records meet; some are refused."""
    if chance.random() < 0.25:
        parent = chance.choice([None, None, "b0", "b1", "b2", "b9"])
        return brand(f"b{chance.randrange(5)}", parent=parent, name=chance.choice(["Uno", "Due"]))
    if chance.random() < 0.1:
        return term(chance.choice(["section", "tag", "author"]), f"t{chance.randrange(3)}", name=chance.choice("xy"))
    number = chance.randrange(8)
    values = {
        "headline": chance.choice(["Prima", "Dopo"]),
        "brand": chance.choice([None, "b0", "b1", "b2", "b3"]),
        "section": chance.choice([None, None, "t0", "t1"]),
        "mentions": chance.sample(["b0", "b1", "b2"], k=chance.randrange(3)),
        "authors": chance.sample(["t0", "t1"], k=chance.choice([0, 0, 0, 1, 2])),
        "tags": chance.sample(["t0", "t1", "t2", "t3", "t4"], k=chance.randrange(4)),
        "format": chance.choice(["article", "gallery"]),
        "language": chance.choice(["it", "en"]),
        "status": chance.choice(["published", "published", "published", "draft", "withdrawn", "scheduled"]),
        "published_at": chance.choice(["2016-07-26", "2017-01-01T00:00:00Z", "2017-01-01T00:00:00Z", "2030-01-01"]),
        "updated_at": chance.choice([None, None, "2018-01-01T00:00:00Z"]),
        "previous_slugs": chance.choice([[], [], [], [f"v{chance.randrange(4)}"], [f"a{chance.randrange(8)}"]]),
    }
    if values["status"] == "withdrawn":
        values["published_at"] = None
    if chance.random() < 0.2:
        values["id"] = chance.choice(IDS)
    return article(f"a{number}", **values)


@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 24))])
def test_any_sequence_of_imports_leaves_everything_in_agreement(load, client, seed):
    chance = random.Random(seed)
    accepted: dict[str, Record] = {}
    for _ in range(8):
        records = [arbitrary(chance) for _ in range(chance.choice([1, 3, 10, 40]))]
        result = load(*records)
        again = load(*records)  # what was refused for want of a brand may be taken now
        refused = {line for line, _ in result.places} & {line for line, _ in again.places}
        accepted |= {item["slug"]: item for n, item in enumerate(records, 1) if n not in refused and "status" in item}
        assert sum(again.counts) == sum(result.counts) == len(records)
    shown = client.get("/v1/articles?limit=100&fields=slug,status").json["data"]
    assert {item["status"] for item in shown} <= {"published"}
    assert {item["slug"] for item in shown} <= accepted.keys()


@pytest.mark.parametrize("seed", [1])
def test_in_one_import_or_in_many_the_same_comes_out(load, client, seed):
    chance = random.Random(seed)
    terms = [*(brand(f"b{number}") for number in range(3)), *(term("author", f"t{number}") for number in range(2))]
    terms += [term("section", f"t{number}") for number in range(2)]
    records = [
        item for item in (arbitrary(chance) for _ in range(80)) if item["type"] == "article" and "id" not in item
    ]
    records = [{**item, "brand": "b0", "mentions": [], "previous_slugs": []} for item in records]
    load(*terms)
    for record in records:
        load(record)
    one_by_one = client.get("/v1/articles?limit=100").json["data"]
    load(*({**record, "status": "draft", "published_at": None} for record in records))
    assert client.get("/v1/articles").json["data"] == []
    load(*records)
    at_once = client.get("/v1/articles?limit=100").json["data"]

    def lasting(items):
        moving = {"updated_at", "materially_updated_at"}
        return [{name: value for name, value in item.items() if name not in moving} for item in items]

    assert lasting(one_by_one) == lasting(at_once)
