-- Money beside returns, open positions, windows that aren't over yet, and daily figures named by their unit and count.
SET LOCAL ROLE tradetape_owner;

ALTER TABLE public.strategy_performance
  ADD COLUMN as_of timestamptz,
  ADD COLUMN trades_without_return integer,
  ADD COLUMN pnl double precision,
  ADD COLUMN realised_pnl double precision,
  ADD COLUMN unrealised_pnl double precision,
  ADD COLUMN fees double precision,
  ADD COLUMN open_position double precision,
  ADD COLUMN max_drawdown_money double precision,
  ADD COLUMN sharpe_annualised double precision,
  ADD COLUMN daily_returns integer,
  ADD COLUMN capital double precision,
  ADD COLUMN marked_by text,
  ADD CONSTRAINT as_of_not_before_window CHECK (as_of >= window_start),
  ADD CONSTRAINT as_of_not_after_window CHECK (window_end >= as_of),
  ADD CONSTRAINT trades_without_return_not_negative CHECK (trades_without_return >= 0),
  ADD CONSTRAINT trades_without_return_are_trades CHECK (total_trades >= trades_without_return),
  ADD CONSTRAINT max_drawdown_money_not_negative CHECK (max_drawdown_money >= 0),
  ADD CONSTRAINT daily_returns_not_negative CHECK (daily_returns >= 0),
  ADD CONSTRAINT capital_above_zero CHECK (capital > 0);

COMMENT ON COLUMN public.strategy_performance.total_trades IS
  'Trades closed in the window, from flat to flat or to the other side of zero. [trades]';
COMMENT ON COLUMN public.strategy_performance.win_rate IS
  'Share of the trades that made money after fees, 0 to 1. [0 to 1]';
COMMENT ON COLUMN public.strategy_performance.avg_roi IS
  'Mean return of a trade, after fees over its entries'' notional, as a fraction. [fraction]';
COMMENT ON COLUMN public.strategy_performance.max_drawdown IS
  'Largest fall from a peak of the equity, marked daily, as a fraction of the peak. [fraction]';
COMMENT ON COLUMN public.strategy_performance.sharpe_ratio IS
  'Mean over deviation of the trades'' returns: per trade, not annualised. [per trade]';
COMMENT ON COLUMN public.strategy_performance.as_of IS
  'Up to when a window that wasn''t over is counted, UTC; null is the whole window. [UTC]';
COMMENT ON COLUMN public.strategy_performance.trades_without_return IS
  'How many of the trades have no return, since their entries'' notional is 0. [trades]';
COMMENT ON COLUMN public.strategy_performance.pnl IS
  'What was made in the window: realised, and the change of what is unrealised. [quote currency]';
COMMENT ON COLUMN public.strategy_performance.realised_pnl IS
  'What exits made against the average cost, less all fees of the window. [quote currency]';
COMMENT ON COLUMN public.strategy_performance.unrealised_pnl IS
  'What the open position would make at its last close. [quote currency]';
COMMENT ON COLUMN public.strategy_performance.fees IS 'What the executions of the window cost. [quote currency]';
COMMENT ON COLUMN public.strategy_performance.open_position IS
  'Quantity that is open at the window''s end, a short one below 0; null of a portfolio. [units of the instrument]';
COMMENT ON COLUMN public.strategy_performance.max_drawdown_money IS
  'Largest fall from a peak of the equity, marked daily, in money. [quote currency]';
COMMENT ON COLUMN public.strategy_performance.sharpe_annualised IS
  'Mean over deviation of the daily returns, times the root of 252 days a year. [per year]';
COMMENT ON COLUMN public.strategy_performance.daily_returns IS 'How many daily returns there are. [days]';
COMMENT ON COLUMN public.strategy_performance.capital IS
  'Money that daily returns are of, with what was made; null: they are of what was at stake. [quote currency]';
COMMENT ON COLUMN public.strategy_performance.marked_by IS
  'The bars whose closes mark open positions: interval and source.';
