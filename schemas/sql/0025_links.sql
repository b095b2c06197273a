-- Rules between an event and its parent are judged as rows land (`links` of schemas/rules.json).
SET LOCAL ROLE tradetape_owner;

ALTER TABLE public.trade_decision ADD CONSTRAINT hold_not_approved CHECK (action <> 'HOLD' OR NOT approved) NOT VALID;

-- A fill counts into what its decision has been filled, and so waits behind an earlier one that waits for this decision.
CREATE INDEX parked_event_decision ON tradetape.parked_event (topic, (missing ->> 'decision_id'));
