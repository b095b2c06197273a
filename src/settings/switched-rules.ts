/** The rules of schemas/rules.json that have a switch; a test holds the two against each other. */
export const SWITCHED_RULES = [
  "open_within_range",
  "close_within_range",
  "interval_known",
  "reserved_event_type",
  "reserved_actor",
  "symbol_of_prediction",
  "not_before_prediction",
  "symbol_of_decision",
  "not_of_hold",
  "filled_of_approved",
  "not_before_decision",
  "within_decision_size",
] as const;
