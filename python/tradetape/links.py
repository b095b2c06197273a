"""What has to hold between an event and its parent. Each gives a sentence, or None."""

from tradetape.times import moment


def called(session):
    return "live trading" if session is None else f"session {session}"


def wrong_session(parent, event, other):
    own, its = event.get("backtest_session_id"), other.get("backtest_session_id")
    return None if own == its else f"the {parent} is of {called(its)}, and this agent acts in {called(own)}"


def wrong_decision_link(decision, prediction):
    if prediction["symbol_id"] != decision["symbol_id"]:
        return f"the prediction {prediction['prediction_id']} is of another symbol"
    wrong = wrong_session("prediction", decision, prediction)
    if wrong is None and moment(decision["timestamp"]) < moment(prediction["timestamp"]):
        return "the decision is of an earlier time than its prediction"
    return wrong


def wrong_fill_link(fill, decision):
    """A report may be of an earlier time than its decision, because two clocks tell; brokers may fill more than was ordered."""
    wrong = wrong_session("decision", fill, decision)
    if wrong is not None:
        return wrong
    if decision.get("action") == "HOLD":
        return "the decision is to HOLD, so nothing can come of it"
    if fill.get("status") == "FILLED" and not decision.get("approved"):
        return "the decision was not approved, so nothing may be filled"
    if fill["symbol_id"] != decision["symbol_id"]:
        return f"the decision {decision['decision_id']} is of another symbol"
    return None
