def test_an_empty_archive_is_an_empty_list(client):
    answer = client.get("/v1/articles")
    assert answer.status_code == 200
    assert answer.json["data"] == []


def test_the_newest_comes_first(client, make):
    make.article("vecchio", published_at=make.at("2016-07-26T10:00:00Z"))
    make.article(
        "nuovo", published_at=make.at("2017-02-22T10:00:00Z"), brand="land-rover", tags=["suv"], authors=["anna"]
    )
    assert [item["slug"] for item in client.get("/v1/articles").json["data"]] == ["nuovo", "vecchio"]


def test_a_page_of_articles_costs_three_statements(client, make, statements):
    make.articles(5, brand="land-rover", authors=["anna"])
    statements.clear()
    assert len(client.get("/v1/articles?limit=3&brand=land-rover").json["data"]) == 3
    assert len(statements) == 3
