"""The models against the live catalog: every table, column, type, null, key and foreign key, in both directions."""

from sqlalchemy import inspect, text
from sqlalchemy.dialects import postgresql

from tradetape.models import Base

TABLES = Base.metadata.tables
# What identifies a row where there is no primary key: the unique index that leads with symbol and time.
KEYED_BY_INDEX = {"market_data": "market_data_bar", "quote": "quote", "technical_indicator": "technical_indicator"}


def catalog(engine, sql):
    with engine.connect() as connection:
        return {tuple(row) for row in connection.execute(text(sql))}


def type_name(column):
    """As the catalog writes it."""
    name = column.type.compile(postgresql.dialect()).lower()
    return {"double precision": "double precision"}.get(name, name)


def test_every_table_is_modelled(engine):
    found = catalog(
        engine,
        """SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
           AND c.relkind IN ('r', 'p') AND NOT c.relispartition""",
    )
    assert found == {(name,) for name in TABLES}


def test_every_column_has_its_type_and_its_nulls(engine):
    found = catalog(
        engine,
        """SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull
           FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
           WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
             AND a.attnum > 0 AND NOT a.attisdropped""",
    )
    mapped = {
        (table.name, column.name, type_name(column), column.nullable) for table in TABLES.values() for column in table.c
    }
    assert mapped == found


def test_every_foreign_key(engine):
    found = set()
    for name in TABLES:
        for key in inspect(engine).get_foreign_keys(name):
            found.add((name, *key["constrained_columns"], key["referred_table"], *key["referred_columns"]))
    mapped = {
        (table.name, key.parent.name, key.column.table.name, key.column.name)
        for table in TABLES.values()
        for key in table.foreign_keys
    }
    assert mapped == found


def test_every_key(engine):
    for table in TABLES.values():
        mapped = {column.name for column in table.primary_key}
        primary = set(inspect(engine).get_pk_constraint(table.name)["constrained_columns"])
        if table.name not in KEYED_BY_INDEX:
            assert mapped == primary, table.name
            continue
        assert primary == set(), table.name
        indexes = inspect(engine).get_indexes(KEYED_BY_INDEX[table.name])
        assert [set(index["column_names"]) for index in indexes if index["unique"]] == [mapped], table.name
