"""The words by which negation.py tells whether a sign is really there, now, and whose it is.

All work on lower-case words with contractions opened ("cant" is "can", "not").
"""

from __future__ import annotations

import re


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _cue(*phrases: str) -> re.Pattern[str]:
    """Phrases (regular expressions over words) that must stand as whole words."""
    return re.compile(r"(?<!\S)(?:" + "|".join(phrases) + r")(?!\S)")


ENDS_CLAUSE = _set(
    "but however though although except yet because while whereas plus ; : ( ) - – —"
)
JOINS_CLAUSE = _set(", and / & + then")
NO_CONTENT = JOINS_CLAUSE | ENDS_CLAUSE
SUBJECTS = _set("i it he she they we")
# After these words "i" or "he" carries the clause on: "when i wipe", "since he fell".
CARRIES_ON = _set(
    "when if that while after since until where how what than like as before think feel feels "
    "believe say said know can could do does did am is are was should will would have had why "
    "time once so not and , no"
)
STATES = _set(
    "is are was were am be been feel feels felt hurt hurts hurting went go goes got get gets has "
    "have had can could do does did ache aches aching pain numb numbness weak weakness tingling "
    "tingles leaking fell keep keeps kept lost started 'm 're 've fever chills sore killing"
)
NEGATORS = _set("no not never without none neither nor denies denied denying deny negative free")
# "no longer", "not sure", "no idea": the words that follow are not denied.
NOT_A_NEGATION = _set(
    "longer idea doubt matter relief improvement better wonder way only just sure certain know "
    "getting going stopping improving helping sleeping slept working eating enough well "
    "i my he she his her it they can could help helped sleep work stop stopped normal"
)
CAN = _set("can could will would 'll ca wo")
LIST_HEADS = _set("problem problems issue issues trouble troubles change changes symptoms control")
NOTHING_NEW = _set("no none nope negative absent nothing never")

YEAR = r"(?:19|20)\d\d"
PAST = _cue(
    rf"in {YEAR}",
    rf"back in {YEAR}",
    r"(?:years?|yrs?|decades?) ago",
    r"last (?:year|winter|summer|spring|autumn)",
    r"long (?:time )?ago",
    r"as a (?:little |small )?(?:kid|child|teen|teenager|baby|toddler|boy|girl)",
    r"(?:long )?before i was born",
    r"in the (?:\d\ds|\d0 's|nineties|eighties|seventies)",
    rf"(?:my|the|a|his|her) {YEAR}",
    r"when (?:i|he|she) was (?:a |an )?(?:kid|child|teen|teenager|young|younger|little|\d+)",
    r"(?<!than i )(?<!like i )used to (?:have|get|be|feel|go)",
    r"in the past",
    r"back then",
    r"old (?:injury|accident|crash|fall)",
    r"in (?:college|high school|childhood)",
)
CURRENT = _cue(
    "now", "still", "again", "today", "tonight", "currently", "worse", "worsening",
    "(?<!same )(?<!good )(?<!fine )(?<!ok )(?<!okay )since(?! then)", "lately", "recently", "new",
    "yesterday", "this morning", "suddenly", "sudden", "right now",
    "came back", "can not", "more and more", "getting", "changed", "different", "spreading",
)  # fmt: skip
# "Weak since my operation 8 years ago, no change": known, however often "since" is said.
LONG_KNOWN = _cue(
    r"(?:years?|decades?) ago", r"for (?:\w+ )?(?:years|decades)", "all my life", "unchanged",
    "no (?:new )?change", "same as (?:ever|always|usual)", "not changed", "has always been",
    "years and years", "longstanding", "long standing", "the same since",
    r"stayed (?:\w+ )?the same", "always have been", "always has been", "always has", "always have",
)  # fmt: skip
CHANGED = _cue(
    "now", "today", "tonight", "worse", "worsening", "yesterday", "this (?:morning|week)",
    "sudden(?:ly)?", "spreading", "changed(?! at all)", "lately", "recently", "different",
)  # fmt: skip
RESOLVED = _cue(
    r"(?:is|are|was|were|'s|now|all|has|have) (?:all |now |completely )?"
    r"gone(?! (?:numb|dead|weak|limp|to sleep|black|blue|white|cold|pale|gr[ae]y|blind|down|purple|"
    r"red|quiet|stiff|off|floppy|missing|up|dark|hard))",
    r"gone (?:now|in|after|within|away)",
    r"goes away",
    r"went away",
    r"resolved",
    "cured",
    "cured it",
    r"cleared(?: up)?",
    r"clears(?: up)?",
    r"back to normal",
    r"(?:fully |completely )?recovered",
    r"disappeared",
    r"(?:is|are|got|'s) (?:all |much |fully )?better(?: now)?",
    r"passes in (?:a )?(?:few )?(?:minutes?|seconds?)",
    r"healed",
    r"(?:was|were|is|are|'s|came back|turned out) (?:all )?(?:normal|negative)",
    r"(?:is|are|am|'s) (?:all |totally |doing )?(?:fine|good|ok|okay|great) now",
    r"(?:check(?:ed|s)?|test(?:ed|s)?|screen(?:ed|s)?|look(?:ed|s)?) for",
    r"ruled (?:it )?out",
)
# What a film or a book tells is about nobody who is here.
STORY = _cue(
    r"(?:in|on|of) (?:a|an|the|this|that) (?:\w+ )?(?:movie|film|novel|tv show|tv drama|series|"
    r"forum|episode|documentary|drama|book)",
    r"(?:documentary|novel|drama|tv drama|tv show|tv doctor|tv series|main character)",
    r"(?:the|a|that) (?:movie|film) (?!night|i |we )\w+", r"(?:news|article|story) (?:about|on)",
    r"news story", r"on tv", "finale", "soap opera",
)  # fmt: skip
PETS = (
    r"(?:dog|dogs|cat|cats|puppy|kitten|dachshund|corgi|labrador|lab|poodle|bulldog|beagle|pup|"
    r"retriever|terrier|shepherd|hamster|rabbit|parrot)"
)
PET = _cue(
    rf"(?:(?:my|our|the|his|her|a|neighbou?rs?|'s) )?(?:\w+ )?{PETS} (?:can|could|has|is|was|had|"
    r"lost|keeps|'s|will|who|does|did|got|walks|limps|drags|gets|takes|seems|needs|fell|jumped off|"
    r"hurt|hurts|just|suddenly|hates|ate)"
)
RETURNED = _cue(
    "back again", "any more", "anymore", "came back", "again", "returned", "worse", "still",
    "not gone",
)  # fmt: skip
FOLLOWS_ON = _set(
    "he she everything all it they that this which gone clears cleared goes went unchanged "
    "same for only all passes"
)
FAMILY = _cue(
    "family history", "in my family", "in the family", "in our family", "runs in", "hereditary"
)
RELATIVES = _set(
    "mom mum mother mommy mama mam dad father daddy papa husband wife spouse partner boyfriend "
    "girlfriend son daughter kid kids child children baby toddler teen teenager brother sister "
    "grandma grandmother granny nana gran grandpa grandfather granddad grandad uncle aunt cousin "
    "friend neighbor neighbour coworker roommate fiance fiancee patient hubby buddy nephew niece "
    "grandson granddaughter stepdad stepmom"
)
THIRD = RELATIVES | _set("he she his her him hers they their them someone somebody")
WHOSE_THIRD = RELATIVES | {"old"}
# "My uncle had foot drop, so I wonder": what another had, told by one who asks for himself.
HAD_IT = re.compile(
    rf"(?<!\S)(?:my|our|a) (?:\S+ )?(?:{'|'.join(sorted(RELATIVES))}) "
    r"(?:\S+ )?(?:had|lost|died|broke) "
)
# "Dad had pneumonia, and his back hurts now": he is talked of, not the family's illnesses.
STILL_THEIRS = _set("he she his her him their has is")
# "What should people do when they can't pee?" is about nobody.
GENERIC = _set("they them their someone somebody patient child children")
# "They found staph in my blood": no third person has it.
DOCTORS_DO = _set(
    "found find say said tell told gave give think thought want wanted did do put removed took "
    "operated cut diagnosed prescribed are discovered started upped stopped drained injected call"
)
FIRST = _set("i me my mine myself we us our im")

QUESTION_STARTS = _set(
    "what when why how which who where can could does do is are will would should "
    "explain define list describe whats"
)
# What opens a question in the middle of a sentence. "Is" and "can" are not among them: "my groin
# is numb, is that bad" and "can not pee" are reports.
CLAUSE_QUESTIONS = _set("what which how why where")
FILLERS = _set("hi hello hey so and ok okay but please also just well , thanks um")
# The visitor who asks is named here without owning the sign.
ASKER = _cue(
    r"tell me", r"i (?:just )?(?:want|need|would like) to (?:know|learn|understand|ask)",
    r"i (?:am|'m) (?:just )?(?:curious|wondering|asking)", r"i (?:was )?wonder(?:ing)?",
    r"should i (?:know|worry|call|go|see|be|get|look|seek|watch|do)",
    r"do i (?:need|have to|know|tell|call|see|get)", r"would i know", r"will i know",
    r"can i (?:ask|tell|know)", r"let me know", r"give me", r"teach me", r"read me",
    r"i (?:have|had|'ve got|got) a question", r"my question", r"help me understand",
    r"should (?:i|we)", r"i must", r"can we talk", r"how (?:do|can|should|could|would) i",
)  # fmt: skip
ABOUT = _cue(
    r"how long \.", r"(?:meaning|definition) (?:\.|\?)",
    r"(?:signs?|symptoms?|meaning|definition|causes?) (?:of|for)", r"what (?:is|are|does|causes?)",
    r"difference between", r"question about", r"read (?:about|that)", r"article (?:on|about)",
    r"information (?:on|about)", r"info (?:on|about)", r"learn about", r"i (?:am|'m) wondering",
    r"i was wondering", r"i wonder", r"(?:want|like) to know",
    r"tell me (?:about|what|how|when|if|whether|why|which|where)",
)  # fmt: skip
# What is asked about a sign that nobody is said to have: "weak leg from a disc permanent?"
TOPIC = _cue(
    "permanent(?:ly)?", "reversible", "curable", "treatable", "usually", "versus", "vs", "mean",
    "means", r"(?:worse|better|more|less) (?:\w+ )?than", "come back", "comes back", "go away",
    "heal", "heals", "common", "related", "connected", r"right \?",
    r"how long(?: does| do| is| \?)",
)  # fmt: skip
# "If my calf swelled up, what would I do?" But: "if I stand up now my leg would not hold me".
CONDITION = re.compile(r"^(?:\S+ ){0,2}?if (?!i had to |you had to )(?:.* )?(?:would|ever|whom) ")
CONDITION_ASKS = re.compile(
    r"^(?:\S+ ){0,2}?if (?!i |you )(?:.* )?(?:what|who|where|whom|how) "
    r"(?:should|do|would|can|will) "
)
ACTUAL = _cue("now", "today", "yesterday", "already", "since", "still", "just", "this morning")
# A question about everybody that the next sentence answers: "mine does that since sunday".
AFFIRMED = re.compile(
    r"(?<!\S)(?:mine|that is what i|i just did|just did it|i already did|it happened|"
    r"(?:is|'s|are) happening|happens to me|that is me|same here|me too|"
    r"(?:got|have|had|has|with) (?:both|one|them|this|that|it)|"
    r"i (?:have|got|do|did)(?: now| it| that| them| both| one| too)* (?:\.|,)|i (?:stopped|quit) )|"
    r"^(?:it|this|that) (?:just |only |all |has |'s )?"
    r"(?:began|started|happened|came|comes|been|was) |"
    r"^(?:new|started|began|since|(?:he|she|they) (?:is|are|'s|has|have|was|can|will|wo)) "
)
STUDY = _cue(
    "common", "rate", "rates", "risk", "risks", "cause", "causes", "linked", "people", "patients",
    "study", "studies", "statistics", "prevention", "hotline", "number", "often", "warning",
    "signs", "sign", "mean", "illegal", "legal", "insurance", "cover", "related",
)  # fmt: skip
DONE = _cue("i just did", "just did it", "already did", "i just did it")
# "Does heat help kidney pain?" is asked by people who have it.
REMEDY = _cue("helps?", "good for", "eases?", "relieves?", "best for", "treat")
# "Is it normal to be numb there?" is how people say that they are.
WORRIED = _cue(
    r"(?:is|are) (?:it|this|that|these) (?:\w+ )?(?:normal|ok|okay|bad|serious|dangerous|common)"
    r"(?! to (?:stop|take|mix|quit|use|combine|skip|drink))",
    r"normal to",
    r"(?:do|cause|causing|explain|doing) (?:this|these)",
    r"is (?:it|this|that) (?:just |only )?"
    r"(?:sciatica|a nerve|my back|the disc|a disc|a pinched nerve)",
)
IMAGINED = _cue(
    r"what if", r"in case", r"what (?:happens|would happen|will happen) (?:if|when)",
    r"if i (?:ever|get|start|lose|become|develop|were|was|had|do)", r"how would i know",
    r"(?:can|could|will|would|might|may) (?:i|he|she|it|this|that) "
    r"(?:ever |eventually |also |really |be |make |cause |leave )*"
    r"(?:me |him |her )?(?:get|lose|become|end|go (?:numb|blind|lame)|develop|cause|lead|"
    r"paralyzed|paralysed)",
    r"(?:afraid|scared|fear|worried|risk|chance|chances|odds) (?:of|about)",
    r"(?:prevent|avoid|avoiding|preventing)",
    r"(?:that )?i (?:may|might|could) (?:ever |one day )?(?:be|become|get|end up|lose)",
    r"do not want to (?:get|become|end|be|lose)",
    r"(?:watch|look|looking|watching) (?:out )?for",
    r"if (?:someone|somebody|anyone|anybody|a person|people|a patient)",
)  # fmt: skip
