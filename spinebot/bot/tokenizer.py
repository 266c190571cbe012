"""Rasa tokenizer: spaCy's rules for English, which keep "L4-L5", "can't" and "8 a.m." in shape."""

from __future__ import annotations

from typing import Any, Dict, List

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.training_data.message import Message

from spinebot.language.spine_terms import document


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class SpacyTokenizer(Tokenizer):
    """Splits a message into spaCy's tokens; no trained spaCy model is needed."""

    @staticmethod
    def required_packages() -> List[str]:
        """The packages whose version changes the tokens."""
        return ["spacy"]

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Rasa's own tokenizer settings, all at rest."""
        return {
            "intent_tokenization_flag": False,
            "intent_split_symbol": "_",
            "token_pattern": None,
        }

    @classmethod
    def create(cls, config: Dict[str, Any], *_: Any) -> SpacyTokenizer:
        """Create the component."""
        return cls(config)

    def tokenize(self, message: Message, attribute: str) -> List[Token]:
        """Return the tokens of one attribute, spaces left out."""
        text = message.get(attribute)
        return [
            Token(text[token.idx : token.idx + len(token)], token.idx)
            for token in document(text)
            if not token.is_space
        ]
