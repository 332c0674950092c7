"""The lists of problem types in the code, the document, the pages and the documentation are the same."""

import inspect
import json
import re
from http import HTTPStatus
from pathlib import Path

import pytest
import yaml

from newsapi import errors
from newsapi.app import create_app
from newsapi.errors import NewsError
from newsapi.settings import Settings
from newsapi.web.problem_types import BLANK_PROBLEMS, PROBLEM_TYPE_OF_ERROR, PROBLEM_TYPES
from newsapi.web.problems import refusal_factory
from tests.web.problems_page import PAGE, page_with_table

TOP = Path(__file__).parents[2]

WITHOUT_TYPE = {errors.Renamed, errors.SnapshotOutdated, errors.WrongMediaType}
"""Exceptions whose responses are no typed problem: a redirect, a response built again, and 415 as `about:blank`."""

CLI_ONLY = {errors.ParserProcessDied}
"""Exceptions that no request raises."""


def test_every_exception_has_its_problem_type():
    there = {value for _, value in inspect.getmembers(errors, inspect.isclass) if issubclass(value, NewsError)} - {
        NewsError
    }
    assert there == set(PROBLEM_TYPE_OF_ERROR) | WITHOUT_TYPE | CLI_ONLY


def test_no_exception_has_two_problem_types():
    assert len(PROBLEM_TYPE_OF_ERROR) == sum(len(problem.errors) for problem in PROBLEM_TYPES.values())


def test_other_statuses_are_those_of_own_exceptions():
    for problem in PROBLEM_TYPES.values():
        assert set(problem.other_statuses) <= set(problem.errors)


def test_the_page_of_the_documentation_is_as_the_code_says():
    text = PAGE.read_text()
    assert text == page_with_table(text), "run: python -m tests.web.problems_page"


def test_the_example_of_the_documentation_is_as_the_code_says():
    [example] = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)]
    problem = PROBLEM_TYPES[example["type"].rpartition("/")[2]]
    assert (example["status"], example["title"]) == (problem.status, problem.title)


def test_the_document_names_the_types_of_each_status():
    document = yaml.load((TOP / "openapi.yaml").read_text(), Loader=yaml.CSafeLoader)
    named = {
        (name, HTTPStatus[response].value)
        for response, value in document["components"]["responses"].items()
        for name in re.findall(r"\(`([a-z-]+)`\)", value["description"])
    }
    assert named == {(problem.name, status) for problem in PROBLEM_TYPES.values() for status in problem.statuses}


@pytest.mark.parametrize("status", [408, 413])
def test_a_body_is_refused_in_the_same_words_by_server_and_application(status):
    response = refusal_factory("https://api.example.com")(status, "/v1/articles", "id")
    assert json.loads(response.body)["detail"] == BLANK_PROBLEMS[status]


def test_one_body_that_is_too_large_is_one_problem(tmp_path):
    app = create_app(Settings.from_env({"NEWSAPI_DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite3"}))
    answer = app.test_client().post(
        "/subscriptions",
        data=b"x" * (app.config["MAX_CONTENT_LENGTH"] + 1),
        content_type="application/x-www-form-urlencoded",
    )
    refuse = refusal_factory(app.extensions["newsapi"].settings.problem_url)
    response = refuse(413, "/subscriptions", answer.json["request_id"])
    assert answer.status_code == 413
    assert answer.json == json.loads(response.body)
    app.extensions["newsapi"].close()
