"""Every import format can be named on the command line and in requests, is accepted by media type and is documented."""

from zoneinfo import ZoneInfo

import pytest

from newsapi.app import create_app
from newsapi.cli.transfer import import_
from newsapi.imports.registry import DEFAULT_FORMAT, FORMATS_BY_NAME, IMPORT_FORMATS, get_format
from newsapi.settings import Settings
from tests.docs.pages import PAGES

TEXT = "\n".join(PAGES[page] for page in ("docs/guides/importing.md", "docs/guides/migrating-from-wordpress.md"))


@pytest.fixture(scope="module")
def operation():
    app = create_app(Settings.from_env({}))
    return app.extensions["newsapi-document"].spec.to_dict()["paths"]["/v1/imports"]["post"]


def test_names_are_unique():
    assert list(FORMATS_BY_NAME.values()) == list(IMPORT_FORMATS)


@pytest.mark.parametrize("name", FORMATS_BY_NAME)
def test_each_format_has_a_reader(name):
    assert callable(get_format(name, None, ZoneInfo("Europe/Rome")).lines)


def test_the_command_line_offers_each_format():
    [option] = [parameter for parameter in import_.params if parameter.name == "format_name"]
    assert set(option.type.choices) == set(FORMATS_BY_NAME)
    assert not option.required


def test_the_openapi_document_names_each_format(operation):
    [parameter] = [parameter for parameter in operation["parameters"] if parameter.get("name") == "format"]
    assert set(parameter["schema"]["enum"]) == set(FORMATS_BY_NAME)
    assert all(import_format.title in parameter["description"] for import_format in IMPORT_FORMATS)
    assert set(operation["requestBody"]["content"]) == {
        import_format.media_types[0] for import_format in IMPORT_FORMATS
    }


@pytest.mark.parametrize("name", sorted(set(FORMATS_BY_NAME) - {DEFAULT_FORMAT.name}))
def test_the_guide_explains_each_format(name):
    assert f"--format {name}" in TEXT
