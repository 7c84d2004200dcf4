// Which server scenarios of `@modelcontextprotocol/conformance` the Worker passes, and why the others are left out. The test
// (conformance.test.mjs) runs them all: it fails when one of the first list fails, when one of the second begins to pass, and
// when the suite has one that stands in neither.

/** What to run: the arguments of the suite by the revision that they are for. */
export const SETS = {
  "2025-06-18": ["--suite", "all", "--spec-version", "2025-06-18"],
  "2025-11-25": ["--requirements", "2025-11-25"],
  "2026-07-28": ["--requirements", "2026-07-28"],
};

const lists = ["tools-list", "resources-list", "prompts-list"];
const legacy = ["server-initialize", "ping", "logging-set-level"];

/** The scenarios that pass: each check in them, but for those of `UNTESTABLE`. */
export const PASSED = {
  "2025-06-18": [...legacy, ...lists],
  "2025-11-25": [...legacy, ...lists, "dns-rebinding-protection"],
  "2026-07-28": [
    ...lists,
    "server-stateless",
    "caching",
    "http-header-validation",
    "dns-rebinding-protection",
    "server-sse-multiple-streams",
    "sep-2164-resource-not-found",
    "input-required-result-unsupported-methods",
    "input-required-result-validate-input",
  ],
};

const FIXTURE = "needs the diagnostic tool";

/** Checks of scenarios that pass otherwise, and why the suite cannot make them here. */
export const UNTESTABLE = {
  "sep-2575-server-rejects-undeclared-capability": `${FIXTURE} test_missing_capability; no tool here asks anything of the client`,
  "sep-2575-missing-capability-http-400": `${FIXTURE} test_missing_capability`,
  "sep-2575-http-server-no-independent-requests-on-stream": `${FIXTURE} test_streaming_elicitation`,
  "sep-2575-server-no-log-without-loglevel": `${FIXTURE} test_logging_tool; nothing is ever logged to a client`,
};

/** The scenarios that are left out, by the reason. */
export const LEFT_OUT = [
  {
    reason: "They call or look for a tool that only a server made for the suite has (`test_…`, `json_schema_2020_12_tool`).",
    scenarios: [
      "tools-call-simple-text", "tools-call-image", "tools-call-audio", "tools-call-embedded-resource",
      "tools-call-mixed-content", "tools-call-with-logging", "tools-call-error", "tools-call-with-progress",
      "tools-call-sampling", "tools-call-elicitation", "elicitation-sep1034-defaults", "elicitation-sep1330-enums",
      "json-schema-2020-12",
    ],
  },
  {
    reason: "They read a resource or get a prompt that only a server made for the suite has (`test://…`, `test_…_prompt`).",
    scenarios: [
      "resources-read-text", "resources-read-binary", "resources-templates-read", "prompts-get-simple",
      "prompts-get-with-args", "prompts-get-embedded-resource", "prompts-get-with-image",
    ],
  },
  {
    reason: "They subscribe to `test://watched-resource`; nothing here can be subscribed to, and that is not declared.",
    scenarios: ["resources-subscribe", "resources-unsubscribe"],
  },
  {
    reason: "It completes an argument of `test_prompt_with_arguments`; completion is not offered, and not declared.",
    scenarios: ["completion-complete"],
  },
  {
    reason: "They check what a session or a resumable stream does, where the server has any; without one they check nothing.",
    scenarios: ["server-session-lifecycle", "server-sse-polling", "server-sse-multiple-streams"],
  },
  {
    reason: "They call `test_input_required_…`: no tool here asks the client for input in the middle of a call.",
    scenarios: [
      "input-required-result-basic-elicitation", "input-required-result-basic-sampling",
      "input-required-result-basic-list-roots", "input-required-result-request-state",
      "input-required-result-multiple-input-requests", "input-required-result-multi-round",
      "input-required-result-missing-input-response", "input-required-result-non-tool-request",
      "input-required-result-result-type", "input-required-result-tampered-state",
      "input-required-result-capability-check", "input-required-result-ignore-extra-params",
    ],
  },
  {
    reason: "They are of the tasks extension, which is not offered.",
    scenarios: [
      "tasks-lifecycle", "tasks-capability-negotiation", "tasks-wire-fields", "tasks-request-state-removal",
      "tasks-mrtr-input", "tasks-request-headers", "tasks-dispatch-and-envelope", "tasks-status-notifications",
      "tasks-required-task-error", "tasks-mrtr-composition",
    ],
  },
  {
    reason: "It needs a tool whose schema has `x-mcp-header`; no argument here is repeated in a header.",
    scenarios: ["http-custom-header-server-validation"],
  },
];
