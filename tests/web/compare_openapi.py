"""Compare two OpenAPI documents: `python -m tests.web.compare_openapi OLD NEW [MAP]`.

The two may differ in names (components, operations, tags, path parameters), in texts (descriptions, summaries,
examples) and in additions. Everything else is a change that clients can notice. The exit status is 1 if there is one,
or if the renames are not those of MAP.

The renames are derived: the documents are walked side by side, and where both have a name in the same place, the old
name stands for the new one. A name of the old document must stand for the same new name everywhere. Tags may be joined:
several old tags can stand for one new tag.

MAP is a YAML file with the sections `components`, `operations`, `tags` and `path_parameters`, each from old to new
names.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import yaml

TEXT_KEYS = frozenset({"description", "summary", "example", "examples"})
METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
MAPS_OF_NAMES = frozenset(
    {"properties", "responses", "headers", "content", "schemas", "securitySchemes", "patternProperties"}
)
"""Objects whose keys are names that may be added."""
GROWING_LISTS = frozenset({"enum", "x-extensible-enum"})
SECTIONS = ("components", "operations", "tags", "path_parameters")

Renames = dict[str, dict[str, str]]


@dataclass
class Comparison:
    """What the walk through two documents found.

    Attributes:
        renames: By section, the new name of each old name that changed.
        additions: Places of the new document that the old one does not have.
        texts: Places where a text differs.
        changes: Differences that are neither names, nor texts, nor additions.
    """

    renames: Renames = field(default_factory=lambda: {section: {} for section in SECTIONS})
    additions: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)


class _Walk:
    """A walk through two documents side by side."""

    def __init__(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.old, self.new = old, new
        self.result = Comparison()
        self._names: dict[tuple[str, str], str] = {}
        self._components_seen: set[tuple[str, str]] = set()
        self._request_components = set(_request_components(new))
        self._in_request = False

    def run(self) -> Comparison:
        """Compare everything but the components, which are compared where they are referred to, and then the rest."""
        for key in sorted({*self.old, *self.new} - {"paths", "components", "tags"}):
            self._member(self.old, self.new, key, "")
        self._paths()
        self._rest_of_components()
        self._list_of_tags()
        for (section, name), new_name in sorted(self._names.items()):
            if name != new_name:
                self.result.renames[section][name] = new_name
        self._new_components()
        return self.result

    # --- paths --------------------------------------------------------------------------------------------------------

    def _paths(self) -> None:
        new_paths = {_shape(path): path for path in self.new["paths"]}
        for path, old_item in self.old["paths"].items():
            new_path = new_paths.pop(_shape(path), None)
            if new_path is None:
                self._change(f"paths/{path}", "is gone")
                continue
            parameters = dict(zip(_parameters_in(path), _parameters_in(new_path), strict=True))
            for name, new_name in parameters.items():
                if name != new_name:
                    self.result.renames["path_parameters"][f"{path} {name}"] = new_name
            self._path_item(old_item, self.new["paths"][new_path], f"paths/{path}", parameters)
        self.result.additions += [f"paths/{path}" for path in new_paths.values()]

    def _path_item(self, old: dict[str, Any], new: dict[str, Any], where: str, parameters: dict[str, str]) -> None:
        self._parameters(old.get("parameters", []), new.get("parameters", []), where, parameters)
        for method in METHODS & {*old, *new}:
            if method not in new:
                self._change(f"{where}/{method}", "is gone")
            elif method not in old:
                self.result.additions.append(f"{where}/{method}")
            else:
                self._operation(old[method], new[method], f"{where}/{method}", parameters)

    def _operation(self, old: dict[str, Any], new: dict[str, Any], where: str, parameters: dict[str, str]) -> None:
        self._name("operations", old["operationId"], new["operationId"], where)
        for old_tag, new_tag in zip(old.get("tags", []), new.get("tags", []), strict=False):
            self._name("tags", old_tag, new_tag, where)
        if len(old.get("tags", [])) != len(new.get("tags", [])):
            self._change(f"{where}/tags", "are more or fewer")
        self._parameters(old.get("parameters", []), new.get("parameters", []), where, parameters)
        for key in sorted({*old, *new} - {"operationId", "tags", "parameters"}):
            self._in_request = key == "requestBody"
            self._member(old, new, key, where)
            self._in_request = False

    def _parameters(
        self, old: list[dict[str, Any]], new: list[dict[str, Any]], where: str, path_parameters: dict[str, str]
    ) -> None:
        rest = {(parameter["in"], parameter["name"]): parameter for parameter in new}
        for parameter in old:
            kind, name = parameter["in"], parameter["name"]
            new_name = path_parameters.get(name, name) if kind == "path" else name
            there = rest.pop((kind, new_name), None)
            place = f"{where}/parameters/{kind}/{name}"
            if there is None:
                self._change(place, "is gone")
            else:
                self._object({**parameter, "name": new_name}, there, place)
        for (kind, name), parameter in rest.items():
            place = f"{where}/parameters/{kind}/{name}"
            if parameter.get("required"):
                self._change(place, "is new and required")
            else:
                self.result.additions.append(place)

    # --- any part of the document -------------------------------------------------------------------------------------

    def _member(self, old: dict[str, Any], new: dict[str, Any], key: str, where: str) -> None:
        place = f"{where}/{key}".lstrip("/")
        if key in TEXT_KEYS or (place.startswith("info/") and place != "info/version"):
            if old.get(key) != new.get(key):
                self.result.texts.append(place)
        elif key == "required" and isinstance(old.get(key, []), list) and isinstance(new.get(key, []), list):
            self._required(old, new, place)
        elif key not in new:
            self._change(place, "is gone")
        elif key not in old:
            self._change(place, "is new")
        elif key in MAPS_OF_NAMES:
            self._map(old[key], new[key], place)
        elif key in GROWING_LISTS:
            self._growing_list(old[key], new[key], place)
        else:
            self._value(old[key], new[key], place)

    def _value(self, old: object, new: object, where: str) -> None:
        if isinstance(old, dict) and isinstance(new, dict):
            self._object(old, new, where)
        elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
            for number, (old_item, new_item) in enumerate(zip(old, new, strict=True)):
                self._value(old_item, new_item, f"{where}/{number}")
        elif old != new or type(old) is not type(new):
            self._change(where, f"was {old!r} and is {new!r}")

    def _object(self, old: dict[str, Any], new: dict[str, Any], where: str) -> None:
        if "$ref" in old and "$ref" in new:
            self._reference(old["$ref"], new["$ref"], where)
        for key in sorted({*old, *new} - ({"$ref"} if "$ref" in old and "$ref" in new else set())):
            self._member(old, new, key, where)

    def _map(self, old: dict[str, Any], new: dict[str, Any], where: str) -> None:
        """Compare objects whose keys are names chosen by the API, such as the properties of a schema."""
        for name, value in old.items():
            if name in new:
                self._value(value, new[name], f"{where}/{name}")
            else:
                self._change(f"{where}/{name}", "is gone")
        self.result.additions += [f"{where}/{name}" for name in new if name not in old]

    def _growing_list(self, old: list[Any], new: list[Any], where: str) -> None:
        for value in old:
            if value not in new:
                self._change(f"{where}/{value}", "is gone")
        self.result.additions += [f"{where}/{value}" for value in new if value not in old]

    def _required(self, old: dict[str, Any], new: dict[str, Any], where: str) -> None:
        """Responses may gain fields that are always there; requests may not ask for more."""
        before, after = set(old.get("required", [])), set(new.get("required", []))
        for name in sorted(before - after):
            self._change(f"{where}/{name}", "is no longer required")
        for name in sorted(after - before):
            is_new = name not in old.get("properties", {})
            if self._in_request or not is_new:
                self._change(f"{where}/{name}", "is required now")

    def _reference(self, old: str, new: str, where: str) -> None:
        *kind, old_name = old.split("/")
        *new_kind, new_name = new.split("/")
        if kind != new_kind:
            self._change(where, f"refers to {new}, not to {old}")
            return
        if kind[-1] != "schemas":
            if old_name != new_name:
                self._change(where, f"refers to {new}, not to {old}")
            return
        self._name("components", old_name, new_name, where)
        self._component(old_name, new_name)

    # --- components and tags ------------------------------------------------------------------------------------------

    def _component(self, old_name: str, new_name: str) -> None:
        if (old_name, new_name) in self._components_seen:
            return
        self._components_seen.add((old_name, new_name))
        was_in_request, self._in_request = self._in_request, new_name in self._request_components
        old, new = self.old["components"]["schemas"][old_name], self.new["components"]["schemas"][new_name]
        self._object(old, new, f"components/schemas/{old_name}")
        self._in_request = was_in_request

    def _rest_of_components(self) -> None:
        old, new = self.old.get("components", {}), self.new.get("components", {})
        for kind in sorted({*old, *new} - {"schemas"}):
            self._map(old.get(kind, {}), new.get(kind, {}), f"components/{kind}")
        for name in old.get("schemas", {}):
            if ("components", name) not in self._names:
                if name in new.get("schemas", {}):
                    self._component(name, name)
                else:
                    self._change(f"components/schemas/{name}", "is gone")

    def _new_components(self) -> None:
        known = {new_name for _, new_name in self._components_seen}
        added = [name for name in self.new.get("components", {}).get("schemas", {}) if name not in known]
        self.result.additions += [f"components/schemas/{name}" for name in added]

    def _list_of_tags(self) -> None:
        before, after = ({tag["name"] for tag in document.get("tags", [])} for document in (self.old, self.new))
        for tag in before:
            if self._names.get(("tags", tag), tag) not in after:
                self._change(f"tags/{tag}", "is not described any more")
        known = {self._names.get(("tags", tag), tag) for tag in before}
        self.result.additions += [f"tags/{tag}" for tag in sorted(after - known)]

    # --- results ------------------------------------------------------------------------------------------------------

    def _name(self, section: str, old: str, new: str, where: str) -> None:
        known = self._names.setdefault((section, old), new)
        if known != new:
            self._change(where, f"{old} stands for {new} here and for {known} elsewhere")
        if section != "tags" and any(
            other != old and (kind, name) == (section, new) for (kind, other), name in self._names.items()
        ):
            self._change(where, f"{new} stands for {old} and for another of the {section}")

    def _change(self, where: str, what: str) -> None:
        line = f"{where}: {what}"
        if line not in self.result.changes:
            self.result.changes.append(line)


def _request_components(document: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the components that request bodies consist of."""
    bodies = [
        operation["requestBody"]
        for item in document["paths"].values()
        for method, operation in item.items()
        if method in METHODS and "requestBody" in operation
    ]
    seen: set[str] = set()
    while bodies:
        for reference in re.findall(r"'#/components/schemas/([^']+)'", repr(bodies.pop())):
            if reference not in seen:
                seen.add(reference)
                bodies.append(document["components"]["schemas"][reference])
                yield reference


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def _parameters_in(path: str) -> list[str]:
    return re.findall(r"\{([^}]*)\}", path)


def compare(old: dict[str, Any], new: dict[str, Any]) -> Comparison:
    """Return how two OpenAPI documents differ."""
    return _Walk(old, new).run()


def differences_of_renames(derived: Renames, given: Renames) -> list[str]:
    """Return the renames that are in only one of two maps, or differ, as lines of text."""
    lines = []
    for section in SECTIONS:
        found, stated = derived.get(section, {}), given.get(section) or {}
        lines += [
            f"{section}: {name} became {found.get(name)}, the map says {stated.get(name)}"
            for name in sorted({*found, *stated})
            if found.get(name) != stated.get(name)
        ]
    return lines


def main(arguments: list[str]) -> int:
    """Print how two documents differ, and return the exit status."""
    old, new, *rest = (yaml.load(Path(name).read_text(), Loader=yaml.CSafeLoader) for name in arguments)
    result = compare(old, new)
    changes = result.changes + (differences_of_renames(result.renames, rest[0]) if rest else [])
    for section, names in result.renames.items():
        click.echo(f"renamed {section.replace('_', ' ')}: {len(names)}")
    click.echo(f"texts that differ: {len(result.texts)}")
    click.echo(f"additions: {len(result.additions)}")
    for place in result.additions:
        click.echo(f"  + {place}")
    click.echo(f"other changes: {len(changes)}")
    for change in changes:
        click.echo(f"  ! {change}")
    if not rest:
        click.echo(yaml.safe_dump(result.renames, sort_keys=True), nl=False)
    return 1 if changes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
