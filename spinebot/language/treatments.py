"""Which treatments a visitor has already tried, and whether there was surgery on the spine.

"I did PT", "shots did not help" and "after my fusion" tell; "should I try PT?" does not. Read off
a line in which treatments stand as ``@injection``, troubles as ``@trouble`` (``word_lines``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from spinebot.language.negation import RELATIVES, Reading
from spinebot.language.word_lines import Line, Span, word_set

TAGS = {
    "rest": "rest",
    "exercise": "exercise",
    "physical_therapy": "physical therapy",
    "medicine": "medicine",
    "injection": "injection",
    "surgery": "surgery",
    "chiropractic": "chiropractic",
}
_TREATMENT = rf"@(?:{'|'.join(TAGS)})"
# Words that may stand between two others without a new thought beginning.
_STOPS = (
    "but|however|should|would|could|can|what|why|how|when|where|is|are|does|will|want|wants|need|"
    "needs|recommended|recommends|suggested|suggests|offered|instead|without|avoid|before|if|next|"
    "rather|starts|worth|until|about|mri|scan|no|not|never"
)
_GAP = rf"(?:(?!(?:{_STOPS}|@trouble|for|from|about|ad|told|have|after|because) |[.!?;:])\S+ )"
_JOIN = r"(?:,|and|&|or|nor|plus|the|my|both|\+|/|then|also|even|some)"


def _cues(*patterns: str, after: str = "") -> re.Pattern[str]:
    return re.compile(rf"(?<!\S)(?:{'|'.join(patterns)}){after}")


_HAVE = r"(?:have|has|had|'ve|'s)"
_ADVERB = r"(?:already|also|only|just|even|now|all|been|really|so|far)"
# Their treatments are not what the visitor asks about.
_STRANGERS = word_set("friend coworker neighbor neighbour roommate buddy cousin uncle aunt")
_WHO = rf"(?:i|he|she|we|they|and|who|already|also|{'|'.join(sorted(RELATIVES - _STRANGERS))})"
_DID = r"(?:did|had|got|took|saw|used|finished|completed|went|underwent|rested)"
_DONE = (
    r"(?:done|had|tried|completed|finished|used|gotten|gone|taken|doing|taking|using|going|"
    r"getting|seeing|trying|seen)(?! to )"
)
# Of a pill these say that it was swallowed today, not that it was tried.
_SWALLOWED = word_set("took taken had got gotten saw")
_TRIED = _cues(
    rf"(?P<cue>tried|trialed|{_HAVE} (?:{_ADVERB} )*(?:{_DONE}|been (?:on|to|in|through)))",
    rf"{_WHO} (?:{_ADVERB} )?(?P<cue2>{_DID}|gave (?:me|him|her))",
    rf"(?:^|(?<=[.!?,] ))(?P<cue3>{_DID})(?! (?:i|you|he|she|they|it|the|my|that|this) )",
    after=rf" (?!to ){_GAP}{{0,6}}?(?P<first>{_TREATMENT})(?! (?:help|work|fix)\b)",
)
# "After two shots", "despite PT", "no relief from PT".
_NO_HELP_FROM = _cues(
    r"(?P<cue>after) (?:the )?(?:(?:my|his|her|our|two|three|four|five|six|ten|\d+|several|many|"
    r"weeks|months|years|sessions|rounds|visits|courses|multiple|both|all|of|doing|having|trying|"
    r"@duration) )+",
    r"(?P<cue2>despite|failed|neither|not even) (?:\S+ ){0,2}?",
    r"(?P<cue3>(?:no|little|any|without|zero) (?:\w+ )?(?:relief|luck|help|improvement|success|"
    r"results?|benefit) (?:from|with|after)) (?:\S+ ){0,3}?",
    r"(?P<cue4>@duration) of (?:\S+ )?"
    r"(?=.* (?:still|(?:no|not) better|nothing|no relief|no change)\b)",
    after=rf"(?P<first>{_TREATMENT})(?! syndrome)",
)
_NOT = r"(?:not|never)"
_NO_HELP = (
    rf"{_NOT} (?:\w+ ){{0,3}}(?:helps?|helped|helping|works?|worked|working|touch(?:ing|ed)?|cut|"
    r"cutting|last|lasted|fix|fixed|enough|do|done|doing)",
    r"(?:do|does|did|doing|done) (?:\w+ )?(?:nothing|nada|zilch|squat)",
    r"(?:no|little|zero|without|hardly any|not much) (?:\w+ )?(?:help|relief|luck|use|good|effect|"
    r"improvement|success|results?|avail|change|better(?! than)|benefit)",
    r"(?:stopped|quit) (?:helping|working)",
    r"(?:wore|wears|worn|wearing) off",
    r"useless|failed|fails|failing",
    r"(?:made|makes|making) (?:it|me|things|everything|my \S+|the \S+) (?:\w+ )?worse",
    r"(?:barely|hardly|only) (?:helps?|helped|helping|works?|worked|lasts?|lasted|touch\w*)",
    r"(?:helped|worked|lasted) (?:only|a little|a bit|some|for|at first|temporarily|briefly)",
    r"no longer (?:helps?|works?|helping|working)",
    r"nothing (?:helps|helped|works|worked)",
)
_DID_NOT_HELP = re.compile(
    rf"(?<!\S)(?P<last>{_TREATMENT}) (?:(?!but |if |should |{_TREATMENT}|[.!?;:])\S+ ){{0,5}}?"
    rf"(?P<cue>{'|'.join(_NO_HELP)})(?!\S)"
)
_UNREAL = word_set(
    "if unless whether wish should would could might may can will anyone anybody someone people "
    "others you patients until"
)
_ASKS = word_set("do does did will would can could should may might is are")
_HEARSAY = word_set("say says said everyone told study studies heard read if when unless")


# Words that may tell of surgery without naming an operation.
SURGERY_WORDS = word_set("fused op operated postop rods screws hardware cage cages")


def tried(line: Line, reading: Reading) -> Iterator[tuple[str, Span]]:
    """Yield what was tried, each with the tokens that say so.

    Where the treatment is a word of another kind too (a medicine, an operation), these are the
    words before or behind it ("tried", "did not help").
    """
    if "@" not in line.text:
        return
    for match in _TRIED.finditer(line.text):
        cue = _group(match, "cue", "cue2", "cue3")
        if _is_real(line, reading, match, cue):
            swallowed = bool(_SWALLOWED.intersection(match[cue].split()))
            for value, span in _list_from(line, match.start("first"), line.tokens(match, cue)):
                if not (swallowed and value == "medicine"):
                    yield value, span
    for match in _NO_HELP_FROM.finditer(line.text):
        cue = _group(match, "cue", "cue2", "cue3", "cue4")
        if not _UNREAL.intersection(line.before(match.start(), 3)):
            yield from _list_from(line, match.start("first"), line.tokens(match, cue))
    for match in _DID_NOT_HELP.finditer(line.text):
        yield from _list_to(line, reading, match)


def _group(match: re.Match[str], *names: str) -> str:
    return next(name for name in names if match[name] is not None)


def _is_real(line: Line, reading: Reading, match: re.Match[str], cue: str) -> bool:
    """Whether it was done: not denied, and neither imagined nor asked of others."""
    if _UNREAL.intersection(line.before(match.start(), 3)):
        return False
    start, end = line.tokens(match, cue)
    return not any(_denies(reading, at) for at in range(start, end))


def _denies(reading: Reading, at: int) -> bool:
    denier = reading.scopes[at]
    return denier >= 0 and reading.words[denier + 1 : denier + 2] != (",",)


def _list_from(line: Line, position: int, cue: Span) -> Iterator[tuple[str, Span]]:
    """Yield the treatments of a list: "PT, ibuprofen and even two shots"."""
    between = 0
    stops = set(_STOPS.split("|"))
    for word, span in zip(
        line.words[line.word_at(position) :], line.spans[line.word_at(position) :], strict=True
    ):
        if word[1:] in TAGS and word[0] == "@":
            yield _tried(word, span, cue)
            between = 0
        elif word in stops or word in {".", "!", "?", ";", ":", "@trouble"} or between >= 4:
            return
        else:
            between += 1


def _list_to(line: Line, reading: Reading, match: re.Match[str]) -> Iterator[tuple[str, Span]]:
    """Yield the treatments of a list that ends here: "neither PT nor shots helped"."""
    last = at = line.word_at(match.start("last"))
    while at > 0 and re.fullmatch(rf"{_JOIN}|{_TREATMENT}", line.words[at - 1]):
        at -= 1
    ahead = line.words[max(0, at - 4) : at + 1]
    why = "why" in line.words
    asked = reading.asked[reading.sentences[line.spans[last][0]]]
    if _HEARSAY.intersection(ahead) or (not why and (asked or _ASKS.intersection(ahead[:2]))):
        return
    for word, span in zip(line.words[at : last + 1], line.spans[at : last + 1], strict=True):
        if word.startswith("@"):
            yield _tried(word, span, line.tokens(match, "cue"))


def _tried(word: str, span: Span, cue: Span) -> tuple[str, Span]:
    return TAGS[word[1:]], cue if word in {"@medicine", "@surgery"} else span


# Surgery

_FILL = (
    r"(?:(?!(?:but|if|for|when|because|to|no|not|about|before|without|avoid|recommended|mri|"
    r"scheduled|@trouble) |[.!?,;])\S+ )"
)
_PRIOR = _cues(
    rf"(?:had|had to have|underwent|got|gotten) {_FILL}{{0,5}}?(?P<surgery>@surgery)",
    rf"(?:after|following|since|from) (?:my|his|her|our|having) {_FILL}{{0,4}}?"
    r"(?P<surgery2>@surgery)",
    r"since (?:the )?(?P<surgery3>@surgery)"
    r"(?! (?:is|are|can|does|has|might|scares|seems|sounds|will))",
    r"(?P<surgery4>@surgery) (?:was )?(?:(?:back )?in (?:19|20)\d\d|@duration ago|(?:years|months) "
    r"ago|last (?:year|month|week|spring|summer|fall|winter))",
    rf"(?:my|his|her) {_FILL}{{0,2}}?(?P<surgery5>@surgery) "
    r"(?:do not|did|failed|went|made|was (?!not)|only|helped|left)",
    r"(?:previous|prior|past|earlier|old|failed|second|another|revision|redo|repeat) (?:\S+ )?"
    r"(?P<surgery6>@surgery)(?! syndrome)",
    r"(?P<surgery7>post (?:- )?(?:op|@surgery|surgical|operative)|postop)",
    rf"(?:recovering|@duration out|weeks out|months out) from {_FILL}{{0,3}}?"
    r"(?P<surgery8>@surgery)",
    r"(?:was|were|got|been|they|am|is|are) (?:\S+ )?(?P<surgery9>operated|fused)",
    r"(?P<surgery10>rods|screws|hardware|cages?) in (?:my|his|her)",
)
_SURGERIES = ["surgery", *(f"surgery{number}" for number in range(2, 11))]
_ELSEWHERE = (
    "knee hip heart shoulder foot ankle hand wrist elbow eye eyes brain gallbladder hernia stomach "
    "bariatric breast prostate thyroid dental jaw sinus kidney cuff appendix abdominal tunnel"
)
_ON_ANOTHER_PLACE = re.compile(rf"(?:on|for) (?:\S+ ){{1,2}}(?:{_ELSEWHERE.replace(' ', '|')})\b")
_FUTURE = _cues(
    r"upcoming|scheduled|tomorrow|next (?:week|month|year)|coming up|going to have|will have|"
    r"having @surgery|(?:i|we) have (?:my )?@surgery"
)
_OF_NOBODY = _STRANGERS | word_set("someone people if unless wish until never")


def prior_surgery(line: Line, reading: Reading) -> Iterator[Span]:
    """Yield the tokens that tell of surgery on the spine in the past."""
    for match in _PRIOR.finditer(line.text):
        place = line.tokens(match, _group(match, *_SURGERIES))
        start, end = line.tokens(match)
        if (
            not _OF_NOBODY.intersection(line.before(match.start(), 4))
            and not _is_elsewhere(reading, place)
            and not _FUTURE.search(line.text)
            and not any(_denies(reading, at) for at in range(start, end))
            and not _is_a_relatives(line, match)
        ):
            yield place


def _is_elsewhere(reading: Reading, surgery: Span) -> bool:
    """Whether it was surgery on a knee, a heart, ..."""
    before, after = reading.words[max(0, surgery[0] - 1) : surgery[0]], reading.words[surgery[1] :]
    return bool(
        set(_ELSEWHERE.split()).intersection(before) or _ON_ANOTHER_PLACE.match(" ".join(after[:5]))
    )


def _is_a_relatives(line: Line, match: re.Match[str]) -> bool:
    """Whether a relative had the surgery and the visitor speaks of a back of their own."""
    if not RELATIVES.intersection(line.before(match.start() + 1, 4)):
        return False
    rest = line.words[line.word_at(match.end() - 1) + 1 :]
    own = (
        word in {"i", "me", "mine"} or (word == "my" and not RELATIVES.intersection(following))
        for word, *following in zip(rest, rest[1:], rest[2:], strict=False)
    )
    return any(own)
