"""The comparison of two OpenAPI documents accepts names, texts and additions, and nothing else."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from tests.web.compare_openapi import compare, differences_of_renames, main

OLD = yaml.safe_load("""
openapi: 3.1.0
info: {title: news, version: '1', description: What there is}
tags: [{name: desk, description: Where one writes}, {name: brand-desk}]
paths:
  /articles/{which}:
    parameters: [{in: path, name: which, required: true, schema: {type: string}}]
    get:
      operationId: one
      tags: [desk]
      summary: One of them
      parameters: [{in: query, name: sort, schema: {type: string, enum: [new, old]}}]
      responses:
        '200': {description: OK, content: {application/json: {schema: {$ref: '#/components/schemas/One'}}}}
    put:
      operationId: write
      tags: [brand-desk]
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/New'}}}}
      responses: {'204': {description: Done}}
components:
  schemas:
    One:
      type: object
      required: [slug]
      properties: {slug: {type: string}, description: {type: string}, inner: {$ref: '#/components/schemas/Ref'}}
    Ref: {type: object, properties: {name: {type: string}}}
    New: {type: object, properties: {slug: {type: string}}}
""")

RENAMED = yaml.safe_load("""
openapi: 3.1.0
info: {title: News, version: '1', description: Articles}
tags: [{name: editing, description: Write articles}]
paths:
  /articles/{slug}:
    parameters: [{in: path, name: slug, required: true, schema: {type: string}}]
    get:
      operationId: getArticle
      tags: [editing]
      summary: Get an article
      parameters: [{in: query, name: sort, schema: {type: string, enum: [new, old]}}]
      responses:
        '200': {description: OK, content: {application/json: {schema: {$ref: '#/components/schemas/Article'}}}}
    put:
      operationId: updateArticle
      tags: [editing]
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/ArticleInput'}}}}
      responses: {'204': {description: Done}}
components:
  schemas:
    Article:
      type: object
      required: [slug]
      properties: {slug: {type: string}, description: {type: string}, inner: {$ref: '#/components/schemas/TermRef'}}
    TermRef: {type: object, properties: {name: {type: string}}}
    ArticleInput: {type: object, properties: {slug: {type: string}}}
""")


@pytest.fixture
def renamed():
    return deepcopy(RENAMED)


@pytest.fixture
def same():
    return deepcopy(OLD)


def test_a_document_equals_itself(same):
    result = compare(OLD, same)
    assert (result.changes, result.additions, result.texts) == ([], [], [])
    assert not any(result.renames.values())


def test_renames_are_derived(renamed):
    result = compare(OLD, renamed)
    assert result.changes == []
    assert result.additions == []
    assert result.renames == {
        "components": {"One": "Article", "Ref": "TermRef", "New": "ArticleInput"},
        "operations": {"one": "getArticle", "write": "updateArticle"},
        "tags": {"desk": "editing", "brand-desk": "editing"},
        "path_parameters": {"/articles/{which} which": "slug"},
    }


def test_texts_are_counted(renamed):
    assert set(compare(OLD, renamed).texts) == {"info/description", "info/title", "paths//articles/{which}/get/summary"}


def test_additions_are_no_changes(same):
    same["paths"]["/articles"] = {"get": {"operationId": "list", "responses": {}}}
    article = same["paths"]["/articles/{which}"]
    article["get"]["responses"]["404"] = {"description": "Not found"}
    article["get"]["parameters"].append({"in": "query", "name": "fields", "schema": {"type": "string"}})
    article["get"]["parameters"][0]["schema"]["enum"].append("best")
    schemas = same["components"]["schemas"]
    schemas["One"]["properties"]["title"] = {"type": "string"}
    schemas["One"]["required"].append("title")
    schemas["Other"] = {"type": "object"}
    same["tags"].append({"name": "more"})
    result = compare(OLD, same)
    assert result.changes == []
    assert len(result.additions) == 7


def parameter(document):
    return document["paths"]["/articles/{which}"]["get"]["parameters"][0]


def get(document):
    return document["paths"]["/articles/{which}"]["get"]


def schemas(document):
    return document["components"]["schemas"]


CHANGES = {
    "path gone": lambda new: new["paths"].clear(),
    "method gone": lambda new: new["paths"]["/articles/{which}"].pop("put"),
    "response gone": lambda new: get(new)["responses"].clear(),
    "media type": lambda new: get(new)["responses"]["200"]["content"].update({"application/json": {"schema": {}}}),
    "parameter renamed": lambda new: parameter(new).update(name="order"),
    "parameter gone": lambda new: get(new)["parameters"].clear(),
    "parameter required": lambda new: parameter(new).update(required=True),
    "parameter new and required": lambda new: get(new)["parameters"].append(
        {"in": "query", "name": "x", "required": True}
    ),
    "enum value gone": lambda new: parameter(new)["schema"]["enum"].remove("old"),
    "property gone": lambda new: schemas(new)["One"]["properties"].pop("slug"),
    "property with the name of a text": lambda new: schemas(new)["One"]["properties"].update(
        description={"type": "integer"}
    ),
    "no longer required": lambda new: schemas(new)["One"]["required"].clear(),
    "required now": lambda new: schemas(new)["One"]["required"].append("inner"),
    "new and required in a request": lambda new: schemas(new).update(
        New={"type": "object", "properties": {"slug": {"type": "string"}, "x": {}}, "required": ["x"]}
    ),
    "type": lambda new: schemas(new)["Ref"]["properties"]["name"].update(type=["string", "null"]),
    "constraint": lambda new: schemas(new)["Ref"]["properties"]["name"].update(maxLength=5),
    "component of other content": lambda new: schemas(new).update(Ref={"type": "string"}),
    "version of the document": lambda new: new["info"].update(version="2"),
    "tag not described": lambda new: new["tags"].pop(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_a_client_notices_is_a_change(same, change):
    change(same)
    assert compare(OLD, same).changes


def test_one_name_for_two_components_is_a_change(renamed):
    text = yaml.safe_dump(renamed).replace("TermRef", "ArticleInput")
    assert compare(OLD, yaml.safe_load(text)).changes


def test_one_component_with_two_names_is_a_change(same):
    extra = {"type": "object", "properties": {"again": {"$ref": "#/components/schemas/Ref"}}}
    old = deepcopy(OLD)
    old["components"]["schemas"]["Two"] = deepcopy(extra)
    extra["properties"]["again"]["$ref"] = "#/components/schemas/OtherRef"
    same["components"]["schemas"] |= {"Two": extra, "OtherRef": deepcopy(schemas(OLD)["Ref"])}
    assert compare(old, same).changes


def test_a_map_has_to_name_all_renames(renamed):
    derived = compare(OLD, renamed).renames
    assert differences_of_renames(derived, derived) == []
    other = deepcopy(derived)
    other["components"]["One"] = "Story"
    del other["tags"]["desk"]
    other["operations"]["never"] = "getNothing"
    assert len(differences_of_renames(derived, other)) == 3


def test_the_exit_status_says_whether_something_changed(tmp_path, capsys, renamed, same):
    def write(name, document):
        (tmp_path / name).write_text(yaml.safe_dump(document))
        return str(tmp_path / name)

    old, new = write("old.yaml", OLD), write("new.yaml", renamed)
    assert main([old, new]) == 0
    assert main([old, new, write("map.yaml", compare(OLD, renamed).renames)]) == 0
    assert main([old, new, write("empty.yaml", {})]) == 1
    same["paths"].clear()
    assert main([old, write("changed.yaml", same)]) == 1
    assert "is gone" in capsys.readouterr().out


def test_the_document_has_the_new_names_and_none_of_the_old():
    renames = yaml.safe_load(Path(__file__).with_name("openapi_renames.yaml").read_text())
    document = yaml.load((Path(__file__).parents[2] / "openapi.yaml").read_text(), Loader=yaml.CSafeLoader)
    operations = {
        operation["operationId"]
        for item in document["paths"].values()
        for name, operation in item.items()
        if name != "parameters"
    }
    tags = {tag["name"] for tag in document["tags"]}
    for section, names in (
        ("components", set(document["components"]["schemas"])),
        ("operations", operations),
        ("tags", tags),
    ):
        assert names >= set(renames[section].values())
        assert not names & (set(renames[section]) - set(renames[section].values()))
