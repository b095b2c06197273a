-- Whether two sessions ran with the same settings is asked often, and of databases that differ: by digest, beside the
-- settings themselves.
SET LOCAL ROLE tradetape_owner;

ALTER TABLE public.backtest_session ADD COLUMN config_sha256 text;
COMMENT ON COLUMN public.backtest_session.config_sha256 IS 'SHA-256 of config, its keys sorted and without white space, in hex, as its publisher says.';
