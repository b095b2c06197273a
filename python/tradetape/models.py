"""The tables of a tradetape database as SQLAlchemy 2 models, for reading: rows come by the topics, never by an INSERT.

    with Session(create_engine("postgresql+psycopg://...")) as session:
        fill = session.get(TradeExecution, execution_id)
        print(fill.decision.prediction.probability_up)

Every time is an aware datetime in UTC. `tests/test_catalog.py` holds these models against the live catalog.
"""

import datetime
import uuid
from typing import Any

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Utc(TypeDecorator):
    """timestamptz, as an aware datetime in UTC whatever the session's time zone; a naive one is refused."""

    impl = TIMESTAMP(timezone=True)
    cache_ok = True

    def process_bind_param(self, value, dialect):
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value} has no time zone: nobody can say when that was")
        return value

    def process_result_value(self, value, dialect):
        return None if value is None else value.astimezone(datetime.timezone.utc)


class Base(DeclarativeBase):
    type_annotation_map = {
        str: Text,
        float: Double,
        int: Integer,
        bytes: LargeBinary,
        datetime.datetime: Utc,
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
        list[str]: ARRAY(Text),
    }


class Symbol(Base):
    """An instrument."""

    __tablename__ = "symbol"

    symbol_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    ticker: Mapped[str]
    exchange: Mapped[str | None]
    asset_type: Mapped[str]
    is_active: Mapped[bool]
    created_at: Mapped[datetime.datetime | None]
    revised_at: Mapped[datetime.datetime]
    published_at: Mapped[datetime.datetime | None]

    predictions: Mapped[list["ModelPrediction"]] = relationship(back_populates="symbol")
    decisions: Mapped[list["TradeDecision"]] = relationship(back_populates="symbol")
    executions: Mapped[list["TradeExecution"]] = relationship(back_populates="symbol")


class BacktestSession(Base):
    """A run whose rows are kept apart; rows of no session are live trading."""

    __tablename__ = "backtest_session"

    backtest_session_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str | None]
    status: Mapped[str]
    code_version: Mapped[str | None]
    config: Mapped[dict[str, Any] | None]
    config_sha256: Mapped[str | None]
    data_set: Mapped[str | None]
    started_at: Mapped[datetime.datetime | None]
    ended_at: Mapped[datetime.datetime | None]
    result: Mapped[dict[str, Any] | None]
    revised_at: Mapped[datetime.datetime]
    published_at: Mapped[datetime.datetime | None]

    predictions: Mapped[list["ModelPrediction"]] = relationship(back_populates="session")
    decisions: Mapped[list["TradeDecision"]] = relationship(back_populates="session")
    executions: Mapped[list["TradeExecution"]] = relationship(back_populates="session")
    performance: Mapped[list["StrategyPerformance"]] = relationship(back_populates="session")


class MarketData(Base):
    """Ticks and bars: the root of a table partitioned by interval and, for ticks, by UTC day.

    There is no primary key in the database; what is unique in each branch is what identifies a row here. A query that
    names `interval` ('tick' or not) and a range of `timestamp` reads the partitions it needs and no other. A tick's
    price is `close`, its size `volume`, and the nanoseconds below a microsecond are `timestamp_ns`.
    """

    __tablename__ = "market_data"

    market_data_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    symbol_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    timestamp: Mapped[datetime.datetime] = mapped_column(primary_key=True)
    open: Mapped[float | None]
    high: Mapped[float | None]
    low: Mapped[float | None]
    close: Mapped[float]
    volume: Mapped[float]
    interval: Mapped[str]
    source: Mapped[str]
    backtest_session_id: Mapped[uuid.UUID | None]
    trade_id: Mapped[str | None]
    venue: Mapped[str | None]
    conditions: Mapped[list[str] | None]
    timestamp_ns: Mapped[int] = mapped_column(SmallInteger)
    received_at: Mapped[datetime.datetime | None]
    revised_at: Mapped[datetime.datetime | None]
    ends_at: Mapped[datetime.datetime | None]
    first_trade_at: Mapped[datetime.datetime | None]
    last_trade_at: Mapped[datetime.datetime | None]
    published_at: Mapped[datetime.datetime | None]

    # The database has no foreign key here, so a tick's symbol or session may not be there.
    symbol: Mapped[Symbol | None] = relationship(
        primaryjoin="foreign(MarketData.symbol_id) == Symbol.symbol_id", viewonly=True
    )
    session: Mapped[BacktestSession | None] = relationship(
        primaryjoin="foreign(MarketData.backtest_session_id) == BacktestSession.backtest_session_id", viewonly=True
    )


class Quote(Base):
    """The best bid and ask of an instrument at one time; identified as market data are, and partitioned by UTC day.

    A side that nobody quotes has no price. `bid_price` may lie above `ask_price` (crossed) or on it (locked).
    """

    __tablename__ = "quote"

    quote_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    symbol_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    timestamp: Mapped[datetime.datetime] = mapped_column(primary_key=True)
    timestamp_ns: Mapped[int] = mapped_column(SmallInteger)
    bid_price: Mapped[float | None]
    bid_size: Mapped[float | None]
    ask_price: Mapped[float | None]
    ask_size: Mapped[float | None]
    source: Mapped[str]
    sequence: Mapped[str | None]
    venue: Mapped[str | None]
    conditions: Mapped[list[str] | None]
    received_at: Mapped[datetime.datetime | None]
    backtest_session_id: Mapped[uuid.UUID | None]

    symbol: Mapped[Symbol | None] = relationship(
        primaryjoin="foreign(Quote.symbol_id) == Symbol.symbol_id", viewonly=True
    )
    session: Mapped[BacktestSession | None] = relationship(
        primaryjoin="foreign(Quote.backtest_session_id) == BacktestSession.backtest_session_id", viewonly=True
    )


class TechnicalIndicator(Base):
    """An indicator's value at a time; identified as market data are."""

    __tablename__ = "technical_indicator"

    indicator_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    symbol_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    timestamp: Mapped[datetime.datetime] = mapped_column(primary_key=True)
    indicator_name: Mapped[str]
    indicator_value: Mapped[float]
    period: Mapped[int | None]
    parameters: Mapped[dict[str, Any] | None]
    computed_by: Mapped[str]
    backtest_session_id: Mapped[uuid.UUID | None]
    revised_at: Mapped[datetime.datetime]
    published_at: Mapped[datetime.datetime | None]

    symbol: Mapped[Symbol | None] = relationship(
        primaryjoin="foreign(TechnicalIndicator.symbol_id) == Symbol.symbol_id", viewonly=True
    )
    session: Mapped[BacktestSession | None] = relationship(
        primaryjoin="foreign(TechnicalIndicator.backtest_session_id) == BacktestSession.backtest_session_id", viewonly=True
    )


class Landed:
    """Where a row came from: when the broker had it, when it landed, and its place in its topic."""

    published_at: Mapped[datetime.datetime]
    landed_at: Mapped[datetime.datetime]
    source_partition: Mapped[int]
    source_offset: Mapped[int] = mapped_column(BigInteger)


class ModelPrediction(Landed, Base):
    __tablename__ = "model_prediction"

    prediction_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    symbol_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("symbol.symbol_id"))
    timestamp: Mapped[datetime.datetime]
    predicted_price: Mapped[float | None]
    probability_up: Mapped[float | None]
    confidence_score: Mapped[float | None]
    model_version: Mapped[str]
    price_source: Mapped[str | None]
    horizon: Mapped[str | None]
    inputs: Mapped[list[dict[str, Any]] | None]
    known_until: Mapped[datetime.datetime | None]
    features_sha256: Mapped[str | None]
    backtest_session_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("backtest_session.backtest_session_id"))

    symbol: Mapped[Symbol] = relationship(back_populates="predictions")
    session: Mapped[BacktestSession | None] = relationship(back_populates="predictions")
    decisions: Mapped[list["TradeDecision"]] = relationship(back_populates="prediction")
    outcomes: Mapped[list["PredictionOutcome"]] = relationship(back_populates="prediction")


class TradeDecision(Landed, Base):
    """What an agent made of a prediction; `approved` says whether its risk filters let it pass, `reason` why."""

    __tablename__ = "trade_decision"

    decision_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    symbol_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("symbol.symbol_id"))
    timestamp: Mapped[datetime.datetime]
    action: Mapped[str]
    size: Mapped[float]
    predicted_roi: Mapped[float | None]
    model_reference: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("model_prediction.prediction_id"))
    approved: Mapped[bool]
    strategy_id: Mapped[uuid.UUID | None]
    reason: Mapped[str | None]
    price_source: Mapped[str | None]
    decision_price: Mapped[float | None]
    inputs: Mapped[list[dict[str, Any]] | None]
    known_until: Mapped[datetime.datetime | None]
    features_sha256: Mapped[str | None]
    backtest_session_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("backtest_session.backtest_session_id"))

    symbol: Mapped[Symbol] = relationship(back_populates="decisions")
    session: Mapped[BacktestSession | None] = relationship(back_populates="decisions")
    prediction: Mapped[ModelPrediction | None] = relationship(back_populates="decisions")
    executions: Mapped[list["TradeExecution"]] = relationship(
        back_populates="decision", order_by="TradeExecution.timestamp"
    )


class TradeExecution(Landed, Base):
    """One report of a broker: n partial fills are n rows."""

    __tablename__ = "trade_execution"

    execution_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    decision_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("trade_decision.decision_id"))
    symbol_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("symbol.symbol_id"))
    executed_price: Mapped[float | None]
    quantity: Mapped[float]
    status: Mapped[str]
    broker: Mapped[str]
    latency_ms: Mapped[int | None]
    timestamp: Mapped[datetime.datetime]
    broker_execution_id: Mapped[str | None]
    fee: Mapped[float | None]
    price_source: Mapped[str | None]
    priced_at: Mapped[datetime.datetime | None]
    backtest_session_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("backtest_session.backtest_session_id"))

    symbol: Mapped[Symbol] = relationship(back_populates="executions")
    session: Mapped[BacktestSession | None] = relationship(back_populates="executions")
    decision: Mapped[TradeDecision] = relationship(back_populates="executions")


class StrategyPerformance(Landed, Base):
    """What a strategy earned in a window; without a symbol, of its whole portfolio."""

    __tablename__ = "strategy_performance"

    performance_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    strategy_id: Mapped[uuid.UUID]
    symbol_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("symbol.symbol_id"))
    window_start: Mapped[datetime.datetime]
    window_end: Mapped[datetime.datetime]
    total_trades: Mapped[int]
    win_rate: Mapped[float | None]
    avg_roi: Mapped[float | None]
    max_drawdown: Mapped[float | None]
    sharpe_ratio: Mapped[float | None]
    as_of: Mapped[datetime.datetime | None]
    trades_without_return: Mapped[int | None]
    pnl: Mapped[float | None]
    realised_pnl: Mapped[float | None]
    unrealised_pnl: Mapped[float | None]
    fees: Mapped[float | None]
    open_position: Mapped[float | None]
    max_drawdown_money: Mapped[float | None]
    sharpe_annualised: Mapped[float | None]
    daily_returns: Mapped[int | None]
    capital: Mapped[float | None]
    marked_by: Mapped[str | None]
    backtest_session_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("backtest_session.backtest_session_id"))
    revised_at: Mapped[datetime.datetime]

    symbol: Mapped[Symbol | None] = relationship()
    session: Mapped[BacktestSession | None] = relationship(back_populates="performance")


class PredictionOutcome(Landed, Base):
    """What came of a prediction, by the closes of some bars."""

    __tablename__ = "prediction_outcome"

    outcome_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    prediction_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("model_prediction.prediction_id"))
    symbol_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("symbol.symbol_id"))
    timestamp: Mapped[datetime.datetime]
    model_version: Mapped[str]
    judged_by: Mapped[str]
    base_price: Mapped[float]
    base_at: Mapped[datetime.datetime]
    realised_price: Mapped[float]
    realised_return: Mapped[float | None]
    brier: Mapped[float | None]
    log_loss: Mapped[float | None]
    price_error: Mapped[float | None]
    revised_at: Mapped[datetime.datetime]
    backtest_session_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("backtest_session.backtest_session_id"))

    symbol: Mapped[Symbol] = relationship()
    session: Mapped[BacktestSession | None] = relationship()
    prediction: Mapped[ModelPrediction] = relationship(back_populates="outcomes")


class AgentCall(Landed, Base):
    """One call of a model or a tool: what was asked, what was answered, and what it led to."""

    __tablename__ = "agent_call"

    call_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    timestamp: Mapped[datetime.datetime]
    ended_at: Mapped[datetime.datetime]
    kind: Mapped[str]
    actor: Mapped[str]
    name: Mapped[str]
    provider: Mapped[str | None]
    model: Mapped[str | None]
    parameters: Mapped[dict[str, Any] | None]
    seed: Mapped[int | None] = mapped_column(BigInteger)
    input_tokens: Mapped[int | None] = mapped_column(BigInteger)
    output_tokens: Mapped[int | None] = mapped_column(BigInteger)
    cost: Mapped[float | None]
    status: Mapped[int | None]
    finish_reason: Mapped[str | None]
    error: Mapped[str | None]
    request: Mapped[str | None]
    request_pieces: Mapped[list[str] | None]
    request_sha256: Mapped[str]
    request_bytes: Mapped[int] = mapped_column(BigInteger)
    response: Mapped[str | None]
    response_pieces: Mapped[list[str] | None]
    response_sha256: Mapped[str | None]
    response_bytes: Mapped[int | None] = mapped_column(BigInteger)
    response_type: Mapped[str | None]
    redacted: Mapped[list[str] | None]
    parent_call_id: Mapped[uuid.UUID | None]
    prediction_id: Mapped[uuid.UUID | None]
    decision_id: Mapped[uuid.UUID | None]
    strategy_id: Mapped[uuid.UUID | None]
    backtest_session_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("backtest_session.backtest_session_id"))

    session: Mapped[BacktestSession | None] = relationship()


class AgentContent(Base):
    """A piece of what calls asked or answered, kept once for all calls of its session."""

    __tablename__ = "agent_content"

    content_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    sha256: Mapped[str]
    timestamp: Mapped[datetime.datetime]
    body: Mapped[str]
    backtest_session_id: Mapped[uuid.UUID | None]
    published_at: Mapped[datetime.datetime]


class AuditLog(Base):
    """One link of the audit trail's hash chain, in the order of `seq`. It points at nothing, so that nothing can hold it up."""

    __tablename__ = "audit_log"

    log_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    timestamp: Mapped[datetime.datetime]
    event_type: Mapped[str]
    actor: Mapped[str]
    payload: Mapped[dict[str, Any]]
    success: Mapped[bool]
    backtest_session_id: Mapped[uuid.UUID | None]
    correlation_id: Mapped[str | None]
    source_topic: Mapped[str | None]
    source_partition: Mapped[int | None]
    source_offset: Mapped[int | None] = mapped_column(BigInteger)
    seq: Mapped[int] = mapped_column(BigInteger)
    prev_hash: Mapped[bytes]
    hash: Mapped[bytes]
    signed_by: Mapped[str | None]


def _revisions(name: str, model: type[Base], table: str, not_null: tuple[str, ...] = ()) -> type[Base]:
    """The class of a table's revisions: what its rows said before an event replaced their content, until `known_to`."""
    columns = [Column(c.name, c.type, nullable=c.nullable and c.name not in not_null) for c in model.__table__.columns]
    columns += [
        Column("known_to", Utc, nullable=False),
        Column("successor_partition", Integer, nullable=False),
        Column("successor_offset", BigInteger, nullable=False),
    ]
    own = Table(table, Base.metadata, *columns)
    replaced_by = [own.c.successor_partition, own.c.successor_offset]
    return type(name, (Base,), {"__table__": own, "__mapper_args__": {"primary_key": [own.columns[0], *replaced_by]}})


SymbolRevision = _revisions("SymbolRevision", Symbol, "symbol_revision")
BacktestSessionRevision = _revisions("BacktestSessionRevision", BacktestSession, "backtest_session_revision")
MarketDataBarRevision = _revisions(
    "MarketDataBarRevision", MarketData, "market_data_bar_revision", not_null=("open", "high", "low", "revised_at")
)
TechnicalIndicatorRevision = _revisions("TechnicalIndicatorRevision", TechnicalIndicator, "technical_indicator_revision")
StrategyPerformanceRevision = _revisions(
    "StrategyPerformanceRevision", StrategyPerformance, "strategy_performance_revision"
)
PredictionOutcomeRevision = _revisions("PredictionOutcomeRevision", PredictionOutcome, "prediction_outcome_revision")
