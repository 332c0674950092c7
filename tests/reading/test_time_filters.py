import pytest

TIMES = {  # what is written, as a query has it: the instant that is meant
    "2026-03-29T01:59:59%2B01:00": "2026-03-29T00:59:59Z",
    "2026-03-29T02:30:00%2B01:00": "2026-03-29T01:30:00Z",
    "2026-03-29T03:00:00%2B02:00": "2026-03-29T01:00:00Z",
    "2026-10-25T02:30:00%2B02:00": "2026-10-25T00:30:00Z",
    "2026-10-25T02:30:00%2B01:00": "2026-10-25T01:30:00Z",
    "2026-10-04T01:59:59%2B10:00": "2026-10-03T15:59:59Z",
    "2026-10-04T03:00:00%2B11:00": "2026-10-03T16:00:00Z",
    "2026-04-05T02:30:00%2B11:00": "2026-04-04T15:30:00Z",
    "2026-04-05T02:30:00%2B10:00": "2026-04-04T16:30:00Z",
    "2026-01-01T00:00:00%2B14:00": "2025-12-31T10:00:00Z",
    "2026-01-01T00:00:00-11:00": "2026-01-01T11:00:00Z",
    "2026-01-01T00:00:00-00:00": "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00Z": "2026-01-01T00:00:00Z",
    "2026-01-01t00:00:00z": "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.5Z": "2026-01-01T00:00:00.500000Z",
    "2026-01-01T00:00:00.123456789Z": "2026-01-01T00:00:00.123456Z",
    "2024-02-29T12:00:00Z": "2024-02-29T12:00:00Z",
    "2000-02-29T12:00:00Z": "2000-02-29T12:00:00Z",
    "9999-01-01T00:00:00Z": "9999-01-01T00:00:00Z",
    "1970-01-01T00:00:00Z": "1970-01-01T00:00:00Z",
    "0001-02-01T00:00:00Z": "0001-02-01T00:00:00Z",
    "2026-03-29": "2026-03-28T23:00:00Z",
    "2026-03-30": "2026-03-29T22:00:00Z",
    "2026-10-25": "2026-10-24T22:00:00Z",
    "2026-10-26": "2026-10-25T23:00:00Z",
    "2024-02-29": "2024-02-28T23:00:00Z",
}
REFUSED = (
    "2026-01-01T24:00:00Z 2026-01-01T23:59:60Z 2026-12-31T23:60:00Z 2026-01-01T25:00:00Z 2026-01-01T00:00:00"
    " 2026-01-01T00:00 2026-01-01T00:00Z 2026-02-29 2026-02-29T00:00:00Z 1900-02-29 2026-02-30 2026-13-01 2026-00-10"
    " 2026-01-00 20260101 2026-1-1 26-01-01 2026-W01-1 2026-001 2026 2026-01 10000-01-01 0000-01-01"
    " 9999-12-31T23:59:59Z 0001-01-01T00:00:00Z 2026-01-01T00:00:00%2B24:00 2026-01-01T00:00:00%2B0100"
    " 2026-01-01T00:00:00%2B01"
    " 2026-01-01T00:00:00+01:00:00 2026-01-01T00:00:00,5Z 2026-01-01T00:00:00.Z 2026-01-01T00:00:00ZZ 1767225600 now"
    " today yesterday -1 2026-01-01T00:00:00%20Z 2026-01-01T00:00:00[Europe/Rome] %D9%A2026-01-01 2026-01-01%0A"
).split()


def canonical(magazine, name, value):
    answer = magazine.get(f"/v1/articles?{name}={value}")
    assert answer.status_code == 200, answer.text
    return answer.json["links"]["self"].partition(f"{name}=")[2]


@pytest.mark.parametrize(("written", "meant"), TIMES.items())
def test_the_instant_that_is_meant_is_the_one_that_is_used(magazine, written, meant):
    assert canonical(magazine, "published_from", written) == meant


@pytest.mark.parametrize("name", ["published_from", "published_until", "updated_from", "updated_until"])
def test_a_time_that_is_none_is_refused_by_name(magazine, name):
    for written in REFUSED:
        answer = magazine.get(f"/v1/articles?{name}={written}")
        assert answer.status_code == 400, written
        assert [error["parameter"] for error in answer.json["errors"]] == [name]


def test_a_plus_that_became_a_space_is_explained(magazine):
    answer = magazine.get("/v1/articles?published_from=2026-01-01T00:00:00+01:00")
    assert answer.status_code == 400
    assert "%2B" in answer.json["errors"][0]["message"]


def test_an_instant_cuts_between_microseconds(client, make):
    make.article("a", published_at=make.at("2026-01-01T00:00:00.000001Z"))
    for moment, found in (("00.000001Z", 1), ("00.000002Z", 0)):
        path = f"/v1/articles?published_from=2026-01-01T00:00:{moment}"
        assert len(client.get(path).json["data"]) == found
