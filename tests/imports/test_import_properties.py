"""Whatever is imported in whatever order: lists, counts, log and history agree, and the last good line stands."""

import random

import pytest

from tests.support.import_records import Record, arbitrary, brand, term


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
