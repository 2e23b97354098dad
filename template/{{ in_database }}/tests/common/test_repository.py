"""Repositories, on a table of these tests."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import MetaData, bindparam, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Mapped, mapped_column

from app.common.pagination import Page, PageParams, decode_cursor
from app.common.repository import Repository
from app.core.database import Base, TimestampMixin, get_session_context
from app.core.errors import Conflict, NotFound, PreconditionFailed
from tests.polling import until

SEAL = b"a key of the test"
SORTS = ["title", "shelf", "created_at"]


class Own(Base):
    """The base of tables that no migration makes."""

    __abstract__ = True
    metadata = MetaData(naming_convention=Base.metadata.naming_convention)


class Book(TimestampMixin, Own):
    """A book."""

    __tablename__ = "books"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    title: Mapped[str] = mapped_column(unique=True)
    shelf: Mapped[int]
    version: Mapped[int] = mapped_column(default=1)


class BookResponse(BaseModel):
    """What callers see of a book."""

    id: UUID
    title: str
    shelf: int
    version: int
    created_at: Any
    updated_at: Any


class BookNotFound(NotFound):
    """No book has this id."""


class BookChanged(PreconditionFailed):
    """The book has another version."""


class TitleTaken(Conflict):
    """Another book has this title."""


class BookRepository(Repository[Book, BookResponse]):
    """The books in the database."""

    model = Book
    response = BookResponse
    filters: ClassVar = {"shelf": Book.shelf == bindparam("shelf")}
    missing = BookNotFound
    changed = BookChanged
    taken: ClassVar = {"uq_books_title": TitleTaken}


@pytest.fixture(autouse=True)
async def books(app: FastAPI) -> AsyncIterator[None]:
    """The table of books; what a test commits goes with it."""
    engine: AsyncEngine = app.state.resources["database"]
    async with engine.begin() as connection:
        await connection.run_sync(Own.metadata.create_all)
    yield
    async with engine.begin() as connection:
        await connection.run_sync(Own.metadata.drop_all)


async def add(title: str, shelf: int = 0) -> BookResponse:
    async with get_session_context() as session:
        return await BookRepository(session).add({"title": title, "shelf": shelf})


async def change(book: BookResponse, shelf: int, *versions: int) -> BookResponse:
    async with get_session_context() as session:
        expected = frozenset(versions) if versions else None
        return await BookRepository(session).update(book.id, {"shelf": shelf}, expected)


async def delete(book: BookResponse, *versions: int) -> None:
    async with get_session_context() as session:
        await BookRepository(session).delete(book.id, frozenset(versions) if versions else None)


async def page(
    sort: str,
    limit: int = 100,
    cursor: str | None = None,
    offset: int = 0,
    with_total: bool = False,
    **filters: Any,
) -> Page[BookResponse]:
    after = None if cursor is None else decode_cursor(cursor, SEAL)
    return await BookRepository().page(
        PageParams(limit, offset, after, with_total, SEAL),
        sort,
        **filters,
    )


def titles(*pages: Page[BookResponse]) -> str:
    return "".join(book.title for page in pages for book in page.items)


@pytest.mark.parametrize("limit", [2, 5])
@pytest.mark.parametrize("sort", [*SORTS, *(f"-{sort}" for sort in SORTS)])
async def test_the_cursor_leads_through_all_pages(sort: str, limit: int) -> None:
    for shelf, title in enumerate("abcde"):
        await add(title, shelf // 2)
    pages = [await page(sort, limit)]
    while pages[-1].next_cursor is not None:
        pages.append(await page(sort, limit, pages[-1].next_cursor))
    turned = sort.removeprefix("-") if sort.startswith("-") else f"-{sort}"
    assert titles(*pages) == titles(await page(sort)) == titles(await page(turned))[::-1]
    assert sorted(titles(*pages)) == list("abcde")


async def test_rows_that_come_and_go_neither_repeat_nor_hide_others() -> None:
    books = [await add(title) for title in ("a", "b", "d", "e")]
    first = await page("title", 2)
    await add("aa")  # an offset of 2 would show "b" again
    await delete(books[1])
    assert titles(await page("title", 2, first.next_cursor)) == "de"


async def test_an_offset_skips_and_a_total_counts_what_matches() -> None:
    for shelf, title in enumerate("abcde"):
        await add(title, shelf // 2)
    found = await page("title", 1, offset=3, with_total=True)
    assert (titles(found), found.total) == ("d", 5)
    found = await page("-title", with_total=True, shelf=1)
    assert (titles(found), found.total) == ("dc", 2)
    assert titles(await page("title", offset=5)) == ""


async def test_what_reads_alone_and_in_a_transaction_sees_the_same() -> None:
    book = await add("Dune", 7)
    assert await BookRepository().read(book.id) == book
    async with get_session_context() as session:
        books = BookRepository(session)
        assert await books.read(book.id) == book
        assert (await books.find(book.id)).title == "Dune"
        for read in (books.read, books.find, BookRepository().read):
            with pytest.raises(BookNotFound):
                await read(uuid4())
    with pytest.raises(RuntimeError, match="only reads"):
        await BookRepository().add({"title": "Ubik"})


async def test_only_an_expected_version_is_changed_or_deleted() -> None:
    book = await add("Dune")
    changed = await change(book, 1, 1, 9)
    assert (changed.shelf, changed.version) == (1, 2)
    assert changed.updated_at > book.updated_at
    for refused in (change(book, 2, 1), delete(book, 1, 3)):
        with pytest.raises(BookChanged):
            await refused
    assert await BookRepository().read(book.id) == changed
    await delete(book, 2)
    for missing in (change(book, 2), change(book, 2, 2), delete(book)):
        with pytest.raises(BookNotFound):
            await missing


async def test_a_change_that_waited_for_another_finds_its_version_gone() -> None:
    book = await add("Dune")
    async with get_session_context() as session:
        await BookRepository(session).update(book.id, {"shelf": 7})
        waiting = asyncio.create_task(change(book, 8, 1))
        await until(some_wait_for_others)
    with pytest.raises(BookChanged):
        await waiting
    assert (await BookRepository().read(book.id)).shelf == 7


async def some_wait_for_others() -> bool:
    """Return whether a transaction on the server waits for another one."""
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"
    async with get_session_context() as session:
        return bool(await session.scalar(text(blocked)))


async def test_of_many_changes_at_once_one_wins_where_a_version_is_expected() -> None:
    book = await add("Dune")
    changes = (change(book, shelf, 1) for shelf in range(5))
    outcomes = await asyncio.gather(*changes, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(BookChanged) == 4
    changed = await asyncio.gather(*(change(book, shelf) for shelf in range(5)))
    assert sorted(each.version for each in changed) == [3, 4, 5, 6, 7]


async def test_of_many_that_want_one_value_exactly_one_gets_it() -> None:
    outcomes = await asyncio.gather(*(add("Dune") for _ in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(TitleTaken) == 4
    assert titles(await page("title")) == "Dune"
