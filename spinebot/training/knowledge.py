"""Brings what trainers wrote into the database: visitors get the new wording at once."""

from __future__ import annotations

from spinebot import articles
from spinebot.articles import Loaded
from spinebot.db import reading, writing
from spinebot.training.changes import project


def load() -> Loaded:
    """Load the project's articles into the database.

    Raises:
        ArticleError: an article has faults; the database is as it was.
    """
    files = articles.read_articles(project() / "knowledge")
    with reading() as session:
        vectors = articles.make_vectors(session, files)
    with writing() as session:
        return articles.load(session, files, vectors)
