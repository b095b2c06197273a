import { expect, test } from "vitest";
import { mayNotSwitch } from "../../src/table/permission.ts";

test.each([
  ["feeds", '"feeds"'],
  ["Feeds of ours", '"Feeds of ours"'],
  ['a "quoted" one', '"a ""quoted"" one"'],
])("who may not switch to a role is named as a statement takes the name: %s", (user, named) => {
  for (const code of ["42501", "22023"]) {
    for (const isSince16 of [false, true]) {
      const fault = Object.assign(new Error("denied"), { code });
      const { next } = mayNotSwitch(fault, "db", { user, role: "tradetape_lander", isSince16 });
      expect(next).toContain(`GRANT tradetape_lander TO ${named}${isSince16 ? " WITH SET TRUE" : ""}`);
    }
  }
});
