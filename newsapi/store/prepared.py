"""Statements of reads, run the short way: text and converters are worked out once, then driver, rows, done.

SQLAlchemy writes the statement and knows how each type is stored; what it does anew at every execution (looking the
compiled form up, naming values, making row objects) costs a list as much as the database's own work, twice over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any, NamedTuple, cast

from sqlalchemy import BindParameter, Connection, Dialect, Select
from sqlalchemy.sql import visitors

Row = tuple[Any, ...]
_Sizes = tuple[tuple[str, int], ...]


def rows(connection: Connection, statement: Select[*tuple[Any, ...]], parameters: Mapping[str, Any]) -> list[Row]:
    """Answer the rows of a statement as plain tuples, in the order of its columns.

    The statement must be one that is kept and run again. Every value that varies is a parameter by its name, a list or
    tuple where it stands for several.
    """
    sizes = tuple((name, len(value)) for name, value in parameters.items() if isinstance(value, (list, tuple)))
    prepared = _prepared(statement, connection.dialect, sizes)
    bound = prepared.bound(parameters)
    cursor = connection.connection.cursor()
    for hear in connection.dispatch.before_cursor_execute:  # who counts statements counts these too
        hear(connection, cursor, prepared.text, bound, None, False)  # noqa: FBT003 (as SQLAlchemy calls them)
    try:
        cursor.execute(prepared.text, bound)
        found = cast("list[Row]", cursor.fetchall())
    except Exception as error:
        driver = connection.connection
        if connection.dialect.is_disconnect(error, driver, cursor):  # type: ignore[arg-type]
            connection.invalidate(error)
        raise
    finally:
        cursor.close()
    if not found or not prepared.converters:
        return found
    columns: list[Any] = list(zip(*found, strict=True))
    for number, convert in prepared.converters:
        columns[number] = map(convert, columns[number])
    return list(zip(*columns, strict=True))


class _Prepared(NamedTuple):
    """What the driver is given, and how the columns that need it are turned into our types."""

    text: str
    values: tuple[_Value, ...]
    placeholders: tuple[str, ...] | None
    converters: tuple[tuple[int, Callable[[Any], Any]], ...]

    def bound(self, parameters: Mapping[str, Any]) -> Any:
        """The values as the driver takes them."""
        found = tuple([value(parameters) for value in self.values])
        return found if self.placeholders is None else dict(zip(self.placeholders, found, strict=True))


_Value = Callable[[Mapping[str, Any]], Any]
"""Takes the value of one placeholder out of the parameters."""


def _value(name: str, place: int | None, stored: Callable[[Any], Any] | None) -> _Value:
    if place is None:
        return itemgetter(name) if stored is None else lambda parameters: stored(parameters[name])
    if stored is None:
        return lambda parameters: parameters[name][place]
    return lambda parameters: stored(parameters[name][place])


@lru_cache(maxsize=1024)
def _prepared(statement: Select[*tuple[Any, ...]], dialect: Dialect, sizes: _Sizes) -> _Prepared:
    lists = dict(sizes)
    compiled = visitors.cloned_traverse(statement, {}, {"bindparam": _written_out}).compile(dialect=dialect)
    varying = {name: parameter for name, parameter in compiled.binds.items() if parameter.required}
    expanded = compiled.construct_expanded_state(
        {name: range(lists[name]) if name in lists else None for name in varying}
    )
    places: dict[str, tuple[str, int | None]] = {name: (name, None) for name in varying}
    for name, several in expanded.parameter_expansion.items():
        places |= {placeholder: (name, place) for place, placeholder in enumerate(several)}
    placeholders = tuple(expanded.parameters if expanded.positiontup is None else expanded.positiontup)
    stored = {name: parameter.type.dialect_impl(dialect).bind_processor(dialect) for name, parameter in varying.items()}
    values = [
        _value(*places[name], stored[places[name][0]])
        if name in places
        else partial(_constant, expanded.parameters[name])
        for name in placeholders
    ]
    kinds = [column.type.dialect_impl(dialect) for column in statement.selected_columns]
    converters = [(number, kind.result_processor(dialect, None)) for number, kind in enumerate(kinds)]
    return _Prepared(
        expanded.statement,
        tuple(values),
        placeholders if expanded.positiontup is None else None,
        tuple((number, convert) for number, convert in converters if convert is not None),
    )


def _constant(value: Any, _parameters: object) -> Any:
    return value


def _written_out(parameter: BindParameter[Any]) -> None:
    """What never varies stands in the text: less to send, and PostgreSQL plans for what it is."""
    if not parameter.required and isinstance(parameter.value, (str, int)):
        parameter.literal_execute = True
