"""The articles: files under ``knowledge/`` are the truth, the tables an index made from them."""

from spinebot.articles.answers import Answer, answer, answer_of, following, question_titles
from spinebot.articles.cases import said_in, together
from spinebot.articles.files import PENDING, ArticleFile, SectionFile, count_words, read_articles
from spinebot.articles.lately import was_answered, with_answer, without_answer
from spinebot.articles.reading import HARDEST_GRADE, hard_sections
from spinebot.articles.search import Hit, nearest
from spinebot.articles.store import Loaded, load
from spinebot.articles.vectors import make_vectors

__all__ = [
    "HARDEST_GRADE",
    "PENDING",
    "Answer",
    "ArticleFile",
    "Hit",
    "Loaded",
    "SectionFile",
    "answer",
    "answer_of",
    "count_words",
    "following",
    "hard_sections",
    "load",
    "make_vectors",
    "nearest",
    "question_titles",
    "read_articles",
    "said_in",
    "together",
    "was_answered",
    "with_answer",
    "without_answer",
]
