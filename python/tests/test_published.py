"""What python -m tradetape.agent published, read back through the models once it has landed."""

import datetime
import json
import os
import uuid

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from tradetape.ids import event_id, strategy_id
from tradetape.models import AuditLog, BacktestSession, MarketData, Symbol, TradeDecision

UTC = datetime.timezone.utc
CLOSE = datetime.datetime(2024, 3, 5, 21, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def published():
    return {name: value for name, value in json.loads(os.environ["PUBLISHED"]).items()}


@pytest.fixture
def session(engine):
    with Session(engine) as made:
        # What comes back must be UTC wherever the server believes itself to be.
        made.execute(text("SET TIME ZONE 'Asia/Kathmandu'"))
        yield made


def test_a_decision_is_read_back_with_its_prediction_and_its_fills(session, published):
    decision = session.get(TradeDecision, uuid.UUID(published["decision_id"]))
    assert (decision.action, decision.size, decision.approved) == ("BUY", 10.0, True)
    assert decision.timestamp == CLOSE and decision.timestamp.tzinfo is UTC
    assert decision.strategy_id == uuid.UUID(strategy_id("example"))
    assert (decision.symbol.ticker, decision.session) == (published["ticker"], None)
    assert decision.prediction.prediction_id == uuid.UUID(published["prediction_id"])
    assert (decision.prediction.probability_up, decision.prediction.predicted_price) == (0.62, 171.5)
    assert [str(fill.execution_id) for fill in decision.executions] == published["execution_ids"]
    assert [fill.quantity for fill in decision.executions] == [4.0, 6.0]
    assert {fill.decision for fill in decision.executions} == {decision}
    assert decision.published_at <= decision.landed_at + datetime.timedelta(seconds=60)


def test_its_audit_entries_have_who_and_why(session, published):
    entries = session.scalars(
        select(AuditLog).where(AuditLog.correlation_id == published["prediction_id"]).order_by(AuditLog.seq)
    ).all()
    assert {entry.actor for entry in entries} == {"python-example"}
    assert {entry.event_type for entry in entries} == {"MODEL_RUN", "TRADE_DECISION", "TRADE_SUBMIT", "TRADE_EXECUTION"}


def test_ticks_and_bars_are_read_through_the_root_and_only_the_partitions_asked_for(session, published):
    rows = session.scalars(select(MarketData).order_by(MarketData.timestamp, MarketData.interval)).all()
    assert [row.interval for row in rows] == ["1min", "tick"]
    tick = rows[1]
    assert (tick.symbol.symbol_id, tick.open, tick.conditions) == (uuid.UUID(published["symbol_id"]), None, ["@", "T"])
    assert tick.session is session.get(BacktestSession, tick.backtest_session_id) and tick.session.kind == "backtest"
    assert isinstance(tick.session.config, dict)
    day = select(MarketData).where(
        MarketData.interval == "tick",
        MarketData.timestamp >= tick.timestamp,
        MarketData.timestamp < tick.timestamp + datetime.timedelta(minutes=1),
    )
    compiled = day.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
    plan = "\n".join(session.scalars(text(f"EXPLAIN {compiled}".replace(":", r"\:"))))
    assert f"market_data_tick_{tick.timestamp:%Y%m%d}" in plan and "market_data_bar" not in plan


def test_a_time_without_a_zone_is_refused(session):
    with pytest.raises(StatementError, match="has no time zone"):
        session.scalars(select(Symbol).where(Symbol.created_at > datetime.datetime(2024, 1, 1))).all()


def test_ids_are_those_of_the_typescript_library(published):
    """The agent's ids as test/flow/agents/python.flow.test.ts makes them by the library, of the same keys."""
    assert published["prediction_id"] == published["expected"]["prediction_id"]
    assert published["decision_id"] == published["expected"]["decision_id"]
    assert published["execution_ids"] == published["expected"]["execution_ids"]
    assert event_id("symbol", [published["ticker"], "NASDAQ"]) == published["symbol_id"]
