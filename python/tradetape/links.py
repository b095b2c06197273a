"""What has to hold between an event and its parent: the session, and `links` of rules.json. Each gives a sentence, or None."""

from tradetape.checks import broken_link


def called(session):
    return "live trading" if session is None else f"session {session}"


def wrong_session(parent, event, other):
    own, its = event.get("backtest_session_id"), other.get("backtest_session_id")
    return None if own == its else f"the {parent} is of {called(its)}, and this agent acts in {called(own)}"


def wrong_decision_link(decision, prediction):
    return wrong_session("prediction", decision, prediction) or broken_link("decisions", decision, prediction)


def wrong_fill_link(fill, decision):
    """Of what was filled, only by this report alone: the landing knows the others."""
    return wrong_session("decision", fill, decision) or broken_link("fills", fill, decision)
