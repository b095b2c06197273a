import { expect, test } from "vitest";
import { changedSettings } from "../../src/cli/shown-setting.ts";
import { readConfig } from "../../src/config.ts";

test("settings that somebody set are shown, secret ones only that they are", () => {
  const set = {
    DATABASE_URL: "postgres://me:secret@127.0.0.1/db",
    TRADETAPE_NAMESPACE: "paper",
    TRADETAPE_DAYS_AHEAD: "9",
  };
  const shown = changedSettings(readConfig({}, set));
  expect(shown).toEqual({ DATABASE_URL: "(set)", TRADETAPE_NAMESPACE: "paper", TRADETAPE_DAYS_AHEAD: 9 });
});

test("what is as it is where nobody says anything is not shown", () => {
  expect(changedSettings(readConfig({}, {}))).toEqual({});
});
