// SPDX-License-Identifier: MIT
// accept.mjs TOOLS DOCUMENT...: holds documents against OpenAPI's official schema, and has a linter read them. TOOLS is
// where test/npm was installed.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [tools, ...files] = process.argv.slice(2);
const require = createRequire(join(resolve(tools), "package.json"));
const { Validator } = await import(pathToFileURL(require.resolve("@seriousme/openapi-schema-validator")));
const { createConfig, lintFromString } = require("@redocly/openapi-core");

const config = await createConfig({
  extends: ["recommended-strict"],
  rules: {
    "security-defined": "off", // An operation without security is open to all: that is what leaving it out says.
    "operation-4xx-response": "off", // Some requests cannot be wrong.
    "operation-2xx-response": "off", // Some operations only send elsewhere.
    "info-license": "off",
    "info-license-url": "off",
    "no-empty-servers": "off",
  },
});

let mistakes = 0;
const report = (file, text) => {
  console.log(`${file}: ${text}`);
  ++mistakes;
};
for (const file of files) {
  const text = readFileSync(file, "utf8");
  const { valid, errors } = await new Validator().validate(JSON.parse(text));
  if (!valid) report(file, `not valid: ${JSON.stringify(errors, null, 2)}`);
  const problems = await lintFromString({ source: text, absoluteRef: resolve(file), config });
  for (const { ruleId, message, location } of problems)
    report(file, `${ruleId}: ${message} at ${location.map((place) => place.pointer).join(", ")}`);
}
if (mistakes) process.exit(1);
console.log(`${files.length} accepted`);
