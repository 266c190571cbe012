"""When the MRI review may be offered: at most once a conversation unless it is asked for.

Never after a red flag, never after a "no", never in place of an answer.
"""

from __future__ import annotations

PENDING, MADE, ACCEPTED, DECLINED = "pending", "made", "accepted", "declined"


def after_red_flag(state: str | None) -> str | None:
    """Return the offer's state after a red flag: a "yes" must not begin a form any more."""
    return MADE if state == PENDING else state


def after_answer(state: str | None, *, fits: bool, red_flag: bool) -> str | None:
    """Return the offer's state after an answer; ``PENDING`` says that it is to be made now.

    state: the state before; fits: whether the answered section is one that the offer goes with.
    """
    if state == PENDING:
        # Offered in the last reply, and the visitor asked something else: not a no, not a yes.
        return MADE
    if state is None and fits and not red_flag:
        return PENDING
    return state
