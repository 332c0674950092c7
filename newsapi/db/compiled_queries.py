"""Execution of read queries around SQLAlchemy's execution layer.

SQLAlchemy compiles a statement once, and its types convert the values. What it repeats at every execution (looking up
the compiled form, naming parameters, building row objects) costs a list twice as much as the work of the database.
Here the SQL text and the converters are computed once per statement and kept; an execution is the driver's cursor and
the converters of the columns that need one.

To debug a query, run the same statement with `connection.execute`; the rows are the same. Listeners of SQLAlchemy's
`before_cursor_execute` event (statement counters, logs) receive these statements too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any, NamedTuple, TypeVarTuple, cast

from sqlalchemy import BindParameter, Connection, Dialect, Select
from sqlalchemy.sql import visitors

from newsapi.tracing import spans

Parameters = Mapping[str, Any]
"""The values of a statement by parameter name."""

_Converter = Callable[[Any], object]
"""Converts a value between Python and the driver."""

RowSelect = Select[*tuple[Any, ...]]
"""A statement whose columns depend on its arguments."""

RawRow = tuple[Any, ...]
"""The values of a row whose columns depend on the arguments of its statement."""

_Sizes = tuple[tuple[str, int], ...]
_Columns = TypeVarTuple("_Columns")


def fetch_rows(connection: Connection, statement: Select[*_Columns], parameters: Parameters) -> list[tuple[*_Columns]]:
    """Run a statement.

    Args:
        connection: An open read transaction.
        statement: A statement that is kept and run again, such as a module constant: it is the key of a cache.
        parameters: The values that vary, by parameter name; a list or tuple for an expanding parameter.

    Returns:
        The rows as plain tuples, in the order of the columns of the statement.
    """
    sizes = tuple((name, len(value)) for name, value in parameters.items() if isinstance(value, (list, tuple)))
    compiled = _prepare(statement, connection.dialect, sizes)
    rows = _execute(connection, compiled.text, compiled.bind(parameters))
    if not rows or not compiled.converters:
        return cast("list[tuple[*_Columns]]", rows)
    columns: list[Iterable[object]] = list(zip(*rows, strict=True))
    for index, convert in compiled.converters:
        columns[index] = map(convert, columns[index])
    return cast("list[tuple[*_Columns]]", list(zip(*columns, strict=True)))


def _execute(connection: Connection, text: str, values: tuple[object, ...] | dict[str, object]) -> Sequence[RawRow]:
    """Run a statement with the cursor of the driver."""
    cursor = connection.connection.cursor()
    for listener in connection.dispatch.before_cursor_execute:
        listener(connection, cursor, text, values, None, False)  # noqa: FBT003 (the signature of the event)
    try:
        with spans.query_span(connection.dialect.name, text):
            cursor.execute(text, values)
            return cursor.fetchall()
    except Exception as error:
        driver = connection.connection
        if connection.dialect.is_disconnect(error, driver, cursor):  # type: ignore[arg-type]
            connection.invalidate(error)
        raise
    finally:
        cursor.close()


class _CompiledQuery(NamedTuple):
    """A compiled statement.

    Attributes:
        text: The SQL text for the driver.
        values: Functions that take the value of each placeholder from the parameters, in order.
        placeholders: The names of the placeholders; None if they are positional.
        converters: Index and result converter of the columns that need one.
    """

    text: str
    values: tuple[_ValueGetter, ...]
    placeholders: tuple[str, ...] | None
    converters: tuple[tuple[int, _Converter], ...]

    def bind(self, parameters: Parameters) -> tuple[object, ...] | dict[str, object]:
        """Return the values in the form that the driver accepts."""
        values = tuple([value(parameters) for value in self.values])
        return values if self.placeholders is None else dict(zip(self.placeholders, values, strict=True))


_ValueGetter = Callable[[Parameters], object]
"""Takes the value of one placeholder from the parameters."""


def _value(name: str, index: int | None, convert: _Converter | None) -> _ValueGetter:
    """Build the getter of a parameter, or of the element of a list parameter at an index."""
    if index is None:
        return itemgetter(name) if convert is None else lambda parameters: convert(parameters[name])
    if convert is None:
        return lambda parameters: parameters[name][index]
    return lambda parameters: convert(parameters[name][index])


@lru_cache(maxsize=1024)
def _prepare(statement: RowSelect, dialect: Dialect, sizes: _Sizes) -> _CompiledQuery:
    """Compile a statement for the given sizes of its list parameters."""
    size_of = dict(sizes)
    compiled = visitors.cloned_traverse(statement, {}, {"bindparam": _render_literal}).compile(dialect=dialect)
    varying = {name: parameter for name, parameter in compiled.binds.items() if parameter.required}
    expanded = compiled.construct_expanded_state(
        {name: range(size_of[name]) if name in size_of else None for name in varying}
    )
    sources: dict[str, tuple[str, int | None]] = {name: (name, None) for name in varying}
    for name, elements in expanded.parameter_expansion.items():
        sources |= {placeholder: (name, index) for index, placeholder in enumerate(elements)}
    placeholders = tuple(expanded.parameters if expanded.positiontup is None else expanded.positiontup)
    bind_converters = {
        name: parameter.type.dialect_impl(dialect).bind_processor(dialect) for name, parameter in varying.items()
    }
    values = []
    for placeholder in placeholders:
        if placeholder in sources:
            name, index = sources[placeholder]
            values.append(_value(name, index, bind_converters[name]))
        else:
            values.append(partial(_constant, expanded.parameters[placeholder]))
    types = [column.type.dialect_impl(dialect) for column in statement.selected_columns]
    converters = [(index, type_.result_processor(dialect, None)) for index, type_ in enumerate(types)]
    return _CompiledQuery(
        expanded.statement,
        tuple(values),
        placeholders if expanded.positiontup is None else None,
        tuple((index, convert) for index, convert in converters if convert is not None),
    )


def _constant(value: object, _parameters: object) -> object:
    return value


def _render_literal(parameter: BindParameter[object]) -> None:
    """Render constants into the SQL text: less is sent, and PostgreSQL plans with the actual value."""
    if not parameter.required and isinstance(parameter.value, (str, int)):
        parameter.literal_execute = True
