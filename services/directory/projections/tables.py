"""The tables of the directory."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, MetaData, Table, Text


def directory_tables(metadata: MetaData) -> tuple[Table, ...]:
    """Declare the tables, in the order in which `verify` names them.

    `person` holds users, because `user` is a reserved word in SQL.
    """
    return (
        _domain(metadata),
        _domain_value(metadata),
        _person(metadata),
        _account(metadata),
        _alias(metadata),
        _alias_target(metadata),
        _setting(metadata),
    )


def _domain(metadata: MetaData) -> Table:
    return Table(
        "domain",
        metadata,
        Column("id", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("incoming", Boolean, nullable=False),
        Column("disabled", Boolean, nullable=False),
        Column("alias_of", Text, nullable=False),
        Index("domain_name", "name", unique=True),
        Index("domain_alias_of", "alias_of"),
        sqlite_with_rowid=False,
    )


def _domain_value(metadata: MetaData) -> Table:
    return Table(
        "domain_value",
        metadata,
        Column("domain", Text, primary_key=True),
        Column("name", Text, primary_key=True),
        Column("value", Text, nullable=False),
        sqlite_with_rowid=False,
    )


def _person(metadata: MetaData) -> Table:
    return Table(
        "person",
        metadata,
        Column("id", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("password_hash", Text, nullable=False),
        Column("disabled", Boolean, nullable=False),
        Index("person_key", "key", unique=True),
        sqlite_with_rowid=False,
    )


def _account(metadata: MetaData) -> Table:
    return Table(
        "account",
        metadata,
        Column("id", Text, primary_key=True),
        Column("address", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("domain", Text, nullable=False),
        Column("person", Text, nullable=False),
        Column("quota_bytes", BigInteger, nullable=False),
        Column("quota_messages", BigInteger, nullable=False),
        Column("disabled", Boolean, nullable=False),
        Index("account_key", "key", unique=True),
        Index("account_person", "person"),
        Index("account_domain", "domain"),
        sqlite_with_rowid=False,
    )


def _alias(metadata: MetaData) -> Table:
    return Table(
        "alias",
        metadata,
        Column("key", Text, primary_key=True),
        Column("address", Text, nullable=False),
        Column("domain", Text, nullable=False),
        Column("targets", Text, nullable=False),
        Column("disabled", Boolean, nullable=False),
        Column("is_pattern", Boolean, nullable=False),
        Column("ends_at", BigInteger, nullable=False),
        Column("ended", Boolean, nullable=False),
        Column("owners", Text, nullable=False),
        Index("alias_domain", "domain", "is_pattern"),
        Index("alias_end", "ended", "ends_at"),
        sqlite_with_rowid=False,
    )


def _alias_target(metadata: MetaData) -> Table:
    return Table(
        "alias_target",
        metadata,
        Column("alias", Text, primary_key=True),
        Column("target", Text, primary_key=True),
        Index("alias_target_target", "target"),
        sqlite_with_rowid=False,
    )


def _setting(metadata: MetaData) -> Table:
    return Table(
        "setting",
        metadata,
        Column("name", Text, primary_key=True),
        Column("value", Text, nullable=False),
        sqlite_with_rowid=False,
    )
