"""The articles: files under ``knowledge/`` are the truth, the tables an index made from them."""

from spinebot.articles.answers import Answer, answer, question_titles
from spinebot.articles.files import ArticleFile, SectionFile, read_articles
from spinebot.articles.reading import HARDEST_GRADE, hard_sections
from spinebot.articles.store import Loaded, load

__all__ = [
    "HARDEST_GRADE",
    "Answer",
    "ArticleFile",
    "Loaded",
    "SectionFile",
    "answer",
    "hard_sections",
    "load",
    "question_titles",
    "read_articles",
]
