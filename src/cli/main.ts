#!/usr/bin/env node
// The version is asked before anything else is loaded: older Nodes fail on the first import with a riddle.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`tradetape needs Node 22.18 or later; this is ${process.versions.node}.\n`);
  process.exit(2);
}

// Half of a short command's time is compiling; Node keeps the result in the system's folder for temporary files.
process.getBuiltinModule("node:module").enableCompileCache();

// `tradetape status | head` closes the pipe early: that is no error of ours, and no reason to leave events behind.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

const { runCommandLine } = await import("./program.ts");
const code = await runCommandLine(process.argv.slice(2));
// What a command opened, it has closed; should a client library still hold a timer, a person mustn't wait for it.
process.stdout.write("", () => process.exit(code));

export {};
