"""The index of the articles: what is answered, and each wording that was ever shown."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from spinebot.db import Base, Moment, now


class Article(Base):
    """An article of the knowledge base: the index of one file under ``knowledge/``."""

    __tablename__ = "article"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    topic: Mapped[str]
    title: Mapped[str]
    summary: Mapped[str]
    opening: Mapped[str]
    written_on: Mapped[date]
    reviewed_by: Mapped[str]
    reviewed_on: Mapped[date | None]
    review_due: Mapped[date]
    sources: Mapped[list[dict[str, str]]] = mapped_column(sa.JSON)
    # An article whose file is gone is no longer shown, but what was said of it stays readable.
    retired_at: Mapped[datetime | None] = mapped_column(Moment)

    sections: Mapped[list[Section]] = relationship(
        back_populates="article", order_by="Section.position"
    )


class Section(Base):
    """A part of an article that can stand alone as an answer."""

    __tablename__ = "section"
    __table_args__ = (sa.UniqueConstraint("article_id", "slug"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(sa.ForeignKey("article.id"))
    slug: Mapped[str]
    position: Mapped[int]
    facts: Mapped[list[str]] = mapped_column(sa.JSON)
    next_intents: Mapped[list[str]] = mapped_column(sa.JSON)
    offer_mri_review: Mapped[bool]
    # What must have been said for this section to answer in place of the plain one; empty: plain.
    when: Mapped[dict[str, list[str]]] = mapped_column(sa.JSON, default=dict, server_default="{}")
    retired_at: Mapped[datetime | None] = mapped_column(Moment)

    article: Mapped[Article] = relationship(back_populates="sections")
    revisions: Mapped[list[SectionRevision]] = relationship(
        back_populates="section", order_by="SectionRevision.number"
    )

    @property
    def revision(self) -> SectionRevision:
        """The wording in force."""
        return self.revisions[-1]


class SectionRevision(Base):
    """One wording of a section. Rows are only ever added: what was shown stays as it was."""

    __tablename__ = "section_revision"
    __table_args__ = (sa.UniqueConstraint("section_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    section_id: Mapped[int] = mapped_column(sa.ForeignKey("section.id"))
    number: Mapped[int]
    heading: Mapped[str]
    body: Mapped[str]
    reviewed_by: Mapped[str]
    reviewed_on: Mapped[date | None]
    written_on: Mapped[date]
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    # For the search: vectors of the wording (`spinebot.articles.vectors`), and of which encoder.
    # Made from the wording; the only columns that may be written anew.
    vectors: Mapped[bytes | None] = mapped_column(deferred=True)
    encoder: Mapped[str | None] = mapped_column(deferred=True)

    section: Mapped[Section] = relationship(back_populates="revisions")


class Question(Base):
    """An intent, its plain section, and the question as a visitor would put it."""

    __tablename__ = "question"

    intent: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    section_id: Mapped[int] = mapped_column(sa.ForeignKey("section.id"))

    section: Mapped[Section] = relationship()


class Variant(Base):
    """A section that answers an intent in place of the plain one, when its `when` is met."""

    __tablename__ = "variant"

    intent: Mapped[str] = mapped_column(primary_key=True)
    section_id: Mapped[int] = mapped_column(sa.ForeignKey("section.id"), primary_key=True)
    title: Mapped[str]
    # The order of the files: of two that fit equally well, the first answers.
    position: Mapped[int]
